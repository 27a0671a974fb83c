"""Prometheus' rules, written from the tables: recording rules of the objectives, and every alert."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from observability.alerts import SUBJECTS
from observability.alerts.alert import Alert
from observability.objectives import BURNS, OBJECTIVES, SECONDS, Burn, Objective, within

Rule = Mapping[str, Any]  # as Prometheus reads it
RUNBOOKS = "docs/runbooks"


def ratio(window: str) -> str:
    """The recorded series of an objective's share of bad events over a window."""
    return f"slo:bad:ratio_rate{window}"


def files(runbooks: str = RUNBOOKS) -> dict[str, dict[str, Any]]:
    """Every file of rules by its name. `runbooks` is where the runbooks' pages are read, without a slash at the end."""
    promises = {f"objective-{one.name}": _objective(one, runbooks) for one in OBJECTIVES}
    causes = {f"alerts-{subject}": _alerts(subject, rows, runbooks) for subject, rows in SUBJECTS.items()}
    return {f"{name}.rules.yaml": {"groups": [group]} for name, group in {**promises, **causes}.items()}


def _objective(one: Objective, runbooks: str) -> dict[str, Any]:
    windows = sorted({window for burn in BURNS for window in (burn.long, burn.short)}, key=SECONDS.__getitem__)
    recorded = [
        {
            "record": ratio(window),
            "expr": f"({within(one.bad, window)}) / ({within(one.all, window)})",
            "labels": {"slo": one.name},
        }
        for window in windows
    ]
    goal = {"record": "slo:budget", "expr": f"vector({one.budget:g})", "labels": {"slo": one.name}}
    return {"name": f"cellcast-{one.name}", "rules": [*recorded, goal, *_burning(one, runbooks)]}


def _burning(one: Objective, runbooks: str) -> Iterator[Rule]:
    for burn in BURNS:
        yield {
            "alert": one.alert,
            "expr": burning(one, burn),
            "for": "2m",
            "labels": {"severity": burn.severity, "slo": one.name, "window": burn.long},
            "annotations": {
                "summary": f"{one.words}: of {{{{ $labels.region }}}} {{{{ $labels.cell }}}} too often not, "
                f"{{{{ $value | humanizePercentage }}}} over {burn.long} (goal {one.goal:.2%}).",
                "runbook": f"{runbooks}/{one.alert}.md",
            },
        }


def burning(one: Objective, burn: Burn) -> str:
    """When an objective's budget burns too fast, and enough has come to say so."""
    most = f"{burn.times * one.budget:g}"
    long, short = (f'{ratio(window)}{{slo="{one.name}"}} > {most}' for window in (burn.long, burn.short))
    enough = f"({within(one.all, burn.long)}) * {SECONDS[burn.long]} >= {one.least}"
    return f"({long}) and ({short}) and on (region, cell) ({enough})"


def _alerts(subject: str, rows: Sequence[Alert], runbooks: str) -> dict[str, Any]:
    rules = [
        {
            "alert": one.name,
            "expr": one.when,
            "for": one.lasting,
            "labels": {"severity": one.severity},
            "annotations": {"summary": one.says, "runbook": f"{runbooks}/{one.name}.md"},
        }
        for one in rows
    ]
    return {"name": f"cellcast-alerts-{subject}", "rules": rules}
