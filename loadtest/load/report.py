"""What came of a run, as facts that a later run can be compared with: report.json, and a page with plots."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtest.bench.results import machine
from loadtest.load.faults import Timed
from loadtest.load.plots import Line, plot
from loadtest.samples import Sample, of, percentile

POINTS = 60  # of the plots
_NOT_ASKED = ("s3: ", "finished to ", "signed in")  # steps that no process of ours answered, or that are no request


def facts(
    name: str,
    about: str,
    seconds: float,
    samples: Sequence[Sample],
    uses: Mapping[str, Mapping[str, float]],
    end: Mapping[str, Any],
    faults: Sequence[Timed],
) -> dict[str, Any]:
    """Everything that is known of a run, as JSON."""
    begun = samples[0].at if samples else 0.0
    return {
        "scenario": name,
        "about": about,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "seconds": round(seconds, 1),
        "figures": _figures(samples, end),
        "end": dict(end),
        "steps": {step: _step(own, seconds) for step, own in _by(samples, "step").items()},
        "cells": {where: _step(own, seconds) for where, own in _by(samples, "where").items()},
        "faults": [_fault(one, samples, begun) for one in faults],
        "processes": dict(uses),
        "timeline": _timeline(samples, begun, seconds),
    }


def served(sample: Sample) -> bool:
    """Whether a process of ours answered this step as a page or a call."""
    return not sample.step.startswith(_NOT_ASKED)


def _figures(samples: Sequence[Sample], end: Mapping[str, Any]) -> dict[str, float]:
    return {
        "lost": end["lost"] + end["torn"],
        "doubled": end["doubled"],
        "failed": sum(1 for one in samples if one.fault),
        "api_p95_ms": _rounded(percentile(of(samples, served), 0.95)),
        "playable_p95_s": _rounded(
            percentile(of(samples, lambda one: one.step == "finished to playable"), 0.95) / 1000
        ),
        # Footage is what customers send and agents watch: none of it may pass a process of ours.
        "web_media_bytes": sum(one.sent for one in samples if one.step.startswith("s3: ") and one.where != "s3"),
        "s3_media_bytes": sum(one.sent for one in samples if one.where == "s3"),
    }


def _step(samples: Sequence[Sample], seconds: float) -> dict[str, float]:
    took = [one.ms for one in samples if not one.fault]
    return {
        "count": len(samples),
        "failed": len(samples) - len(took),
        "per_s": _rounded(len(samples) / seconds),
        **{f"p{share}": _rounded(percentile(took, share / 100)) for share in (50, 95, 99)},
    }


def _fault(one: Timed, samples: Sequence[Sample], begun: float) -> dict[str, Any]:
    """What the other cells' people felt of it: all their errors, and the change of their p95 against the time before.

    What they were at when it ended counts too: a step that had waited for it all along shows only afterwards.
    """
    hurt = {name.rsplit("-", 1)[0] for name in one.fault.names}
    others = [sample for sample in samples if sample.of not in hurt]
    before = [each for each in others if one.begins / 2 <= each.at - begun < one.begins]
    ends = max(one.ends, one.begins + 1)
    during = [each for each in others if one.begins <= each.at - begun and each.began - begun < ends]
    was, now = (percentile(of(some, served), 0.95) for some in (before, during))
    return {
        "kind": one.fault.kind,
        "names": list(one.fault.names),
        "begins": one.begins,
        "ends": one.ends,
        "others_errors": sum(1 for each in during if each.fault),
        "others_p95_ms": [_rounded(was), _rounded(now)],
        "others_p95_change": _rounded(now / was - 1, 3),
    }


def _timeline(samples: Sequence[Sample], begun: float, seconds: float) -> list[dict[str, float]]:
    width = max(1.0, seconds / POINTS)
    slots: list[list[Sample]] = [[] for _ in range(math.ceil(seconds / width))]
    for one in samples:
        slots[min(len(slots) - 1, int((one.at - begun) / width))].append(one)
    return [
        {
            "at": round(index * width, 1),
            "per_s": _rounded(len(slot) / width),
            "failed": sum(1 for one in slot if one.fault),
            "p50": _rounded(percentile(of(slot, served), 0.5)),
            "p95": _rounded(percentile(of(slot, served), 0.95)),
        }
        for index, slot in enumerate(slots)
    ]


def _by(samples: Iterable[Sample], name: str) -> dict[str, list[Sample]]:
    out: dict[str, list[Sample]] = {}
    for one in samples:
        out.setdefault(getattr(one, name), []).append(one)
    return dict(sorted(out.items()))


def _rounded(value: float, digits: int = 1) -> float:
    return 0.0 if math.isnan(value) else round(value, digits)


def write(folder: Path, report: Mapping[str, Any]) -> None:
    """Write report.json and report.html."""
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(page(report), encoding="utf-8")


def page(report: Mapping[str, Any]) -> str:
    """The page: it needs nothing but itself."""
    timeline = report["timeline"]
    at = [point["at"] for point in timeline]
    plots = [
        plot("Steps a second", "/s", at, [Line("all", [point["per_s"] for point in timeline])], report["faults"]),
        plot(
            "How long pages and calls take",
            "ms",
            at,
            [Line("p95", [p["p95"] for p in timeline]), Line("p50", [p["p50"] for p in timeline])],
            report["faults"],
        ),
        plot("Failed steps", "", at, [Line("failed", [point["failed"] for point in timeline])], report["faults"]),
    ]
    templates = Environment(
        loader=PackageLoader("loadtest.load", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return templates.get_template("report.html").render(report=report, plots=plots)
