"""`python -m loadtest.results`: docs/results.md and its plots, made from the results kept in docs/results.

`--bench`, `--finish`, `--report` and `--chaos` take new ones in first; `--check` only says whether the page is what
they give.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest.load.bars import Bar, bars
from loadtest.load.plots import Line, plot, standing_alone

DOCS = Path(__file__).parents[1] / "docs"
BENCH, FINISH, CHAOS = "bench.json", "finish.json", "chaos.json"
_STEPS = ("count", "failed", "per_s", "p50", "p95", "p99")
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def take_in(
    docs: Path, bench: Path | None, finish: Path | None, reports: Sequence[Path], chaos: Path | None = None
) -> None:
    """Keep results: a bench's by figure, later over earlier; what finishing costs; a load's report by its scenario;
    what the faults of a cell did to another.

    Raises OSError, and ValueError for what is none; nothing is kept then.
    """
    folder = docs / "results"
    fresh: dict[str, Any] = {}
    if bench is not None:
        known = {one["name"]: one for one in _read(folder / BENCH)} if (folder / BENCH).exists() else {}
        measured = [one for one in _read(bench) if one["value"] is not None and "at" in one]
        known.update({one["name"]: one for one in measured})
        fresh[BENCH] = [known[name] for name in sorted(known)]
    if finish is not None:
        fresh[FINISH] = {workers: one for workers, one in _read(finish).items() if _finish_row(workers, one)}
    if chaos is not None:
        _chaos(fresh.setdefault(CHAOS, _read(chaos)))
    for path in reports:
        report = _read(path)
        if not isinstance(report, dict) or not _NAME.fullmatch(str(report.get("scenario"))) or "steps" not in report:
            raise ValueError(f"{path} is no report of a load")
        fresh[f"load-{report['scenario']}.json"] = report
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in fresh.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def made(docs: Path) -> dict[str, str]:
    """The page and its plots, by path below `docs`, from what is kept in `docs`/results."""
    folder = docs / "results"
    figures = _read(folder / BENCH) if (folder / BENCH).exists() else []
    finish = _read(folder / FINISH) if (folder / FINISH).exists() else {}
    reports = [_read(path) for path in sorted(folder.glob("load-*.json"))]
    chaos = _chaos(_read(folder / CHAOS)) if (folder / CHAOS).exists() else []
    parts = [*_INTRODUCTION, *_bench(figures), *_finish(finish), *map(_load, reports), *chaos]
    out = {"results.md": "\n".join(["# Results", "", *parts])}
    if figures:
        out["results/bench.svg"] = bars("Share of what is allowed", [_bar(one) for one in figures if one["target"]])
    for report in reports:
        out |= {f"results/{report['scenario']}-{name}.svg": drawn for name, drawn in _plots(report).items()}
    return out


def differing(docs: Path) -> list[str]:
    """What is not as the results give it, by path below `docs`."""
    wanted = made(docs)
    there = {"results.md", *(f"results/{path.name}" for path in (docs / "results").glob("*.svg"))}
    wrong = {name for name in wanted.keys() & there if (docs / name).read_text(encoding="utf-8") != wanted[name]}
    return sorted(wrong | (wanted.keys() ^ there))


def write(docs: Path) -> None:
    """Write the page and its plots; plots of results that are gone go too."""
    wanted = made(docs)
    for path in (docs / "results").glob("*.svg"):
        path.unlink()
    for name, content in wanted.items():
        (docs / name).write_text(content, encoding="utf-8")


_INTRODUCTION = (
    "Made by `python -m loadtest.results` from the files in `results/`; a test holds it to them. Each figure says when",
    "and where it was measured. Processes, load generator, databases and S3 share the processors of that machine.",
    "",
)


def _bench(figures: Sequence[Mapping[str, Any]]) -> list[str]:
    if not figures:
        return []
    missed = [one for one in figures if not one["ok"]]
    lines = [
        "## Figures",
        "",
        f"`make bench`: {len(figures) - len(missed)} of {len(figures)} reach their target.",
        "",
        "![Each figure as a share of what its target allows](results/bench.svg)",
        "",
        "| figure | value | target | reached | measured |",
        "|---|---:|---:|---|---|",
    ]
    for one in figures:
        sign = "≥" if one["better"] == "higher" else "≤"
        value, target = (f"{one[name]:.4g} {one['unit']}".strip() for name in ("value", "target"))
        where = f"{one['at'][:10]}, {one['machine']}"
        lines.append(f"| `{one['name']}` | {value} | {sign} {target} | {'yes' if one['ok'] else '**no**'} | {where} |")
    return [*lines, ""]


def _finish(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not found:
        return []
    return [
        "## Recordings of 30 s that become playable",
        "",
        "Many wait at once. Processor seconds are those of one recording, from its end until it is playable.",
        "",
        "| workers | a minute | worker | ffmpeg | web | PostgreSQL | S3 | Redis | machine busy | bound by | measured |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---|",
        *(_finish_row(workers, found[workers]) for workers in sorted(found)),
        "",
    ]


def _finish_row(workers: str, one: Mapping[str, Any]) -> str:
    spent = [f"{one['processor_s'][part]:.3f}" for part in ("worker", "ffmpeg", "web", "postgres", "s3", "redis")]
    where = f"{one['at'][:10]}, {one['machine']}"
    cells = [workers, f"{one['per_min']:.0f}", *spent, f"{one['busy']:.0%}", one["bound_by"], where]
    return f"| {' | '.join(cells)} |"


def _bar(one: Mapping[str, Any]) -> Bar:
    """How much of what its target allows a figure takes; below 1 it reaches it."""
    value, target = float(one["value"]), float(one["target"])
    share = value / target if one["better"] == "lower" else target / value if value else float("inf")
    return Bar(str(one["name"]), share, bool(one["ok"]))


def _load(report: Mapping[str, Any]) -> str:
    figures, end, name = report["figures"], report["end"], report["scenario"]
    lines = [
        f"## Load: {name}",
        "",
        f"{report['about']}. {report['at'][:10]}, {report['machine']}, {report['seconds']:g} s.",
        "",
        f"- {end['finished']} recordings finished; {end['lost']} lost, {end['torn']} torn, {end['doubled']} doubled",
        f"- pages and calls: p95 {figures['api_p95_ms']:g} ms; {figures['failed']} steps failed",
        f"- finished to playable: p95 {figures['playable_p95_s']:g} s",
        f"- footage to the buckets {figures['s3_media_bytes'] / 1e6:.1f} MB, through a process of ours "
        f"{figures['web_media_bytes']} bytes",
        *(_fault(one) for one in report["faults"]),
        "",
        f"![Steps a second](results/{name}-rate.svg)",
        "",
        f"![How long pages and calls take](results/{name}-time.svg)",
        "",
        "| step | count | failed | /s | p50 ms | p95 ms | p99 ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(f"| {step} | {' | '.join(f'{one[key]:g}' for key in _STEPS)} |" for step, one in report["steps"].items()),
        "",
        "| process | processors, mean | at most | memory at most, MiB |",
        "|---|---:|---:|---:|",
        *(
            f"| {process} | {one['mean']:g} | {one['most']:g} | {one['most_mib']:g} |"
            for process, one in report["processes"].items()
        ),
        "",
    ]
    return "\n".join(lines)


def _fault(one: Mapping[str, Any]) -> str:
    return (
        f"- {one['kind']} of {', '.join(one['names'])} from {one['begins']:g} to {one['ends']:g} s: the others had "
        f"{one['others_errors']} errors, their p95 changed by {one['others_p95_change']:+.0%}"
    )


def _chaos(found: Mapping[str, Any]) -> list[str]:
    usual, meanwhile = found["usual"], found["meanwhile"]
    change = meanwhile["p95_ms"] / usual["p95_ms"] - 1
    return [
        "## One cell under faults, another beside it",
        "",
        f"`tests/chaos/test_cells.py`: every server and process of a cell fails in every way for "
        f"{found['held_s']:g} s. {found['at'][:10]}, {found['machine']}.",
        "",
        f"- p95 of the other cell without a fault {usual['p95_ms']:g} ms ({usual['count']} calls and pages), meanwhile "
        f"{meanwhile['p95_ms']:g} ms ({meanwhile['count']}): {change:+.0%}",
        "",
        "| fault | well by itself after, s | failed in the other cell | its p95 before, ms | and meanwhile, ms |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {one['row']} | {one['well_after_s']:.1f} | {one['others_failed']} | {one['usual_p95_ms']:g} "
            f"| {one['meanwhile_p95_ms']:g} |"
            for one in found["rows"]
        ),
        "",
    ]


def _plots(report: Mapping[str, Any]) -> dict[str, str]:
    timeline, faults = report["timeline"], report["faults"]
    at = [point["at"] for point in timeline]
    rate = plot("Steps a second", "/s", at, [Line("all", [point["per_s"] for point in timeline])], faults)
    times = [Line(name, [point[name] for point in timeline]) for name in ("p95", "p50")]
    taken = plot("How long pages and calls take", "ms", at, times, faults)
    return {"rate": standing_alone(rate), "time": standing_alone(taken)}


def _read(path: Path) -> Any:  # JSON
    return json.loads(path.read_text(encoding="utf-8"))


def main(words: Sequence[str] | None = None) -> int:
    """0 when the page is written or as it should be, 1 when `--check` finds it is not, 2 for results that are none."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.results",
        description="Make docs/results.md from docs/results/*.json.",
        epilog="Example: python -m loadtest.results --bench loadtest/results/latest.json --report out/report.json",
    )
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of results.md (default: the tree's docs)")
    parser.add_argument("--bench", type=Path, help="results of make bench to keep: loadtest/results/latest.json")
    parser.add_argument("--finish", type=Path, help="what finishing costs, to keep: loadtest/results/finish.json")
    parser.add_argument("--report", type=Path, action="append", default=[], help="a report.json of make load to keep")
    parser.add_argument("--chaos", type=Path, help="what faults did, to keep: CELLCAST_CHAOS_REPORT of tests/chaos")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where something differs")
    wanted = parser.parse_args(words)
    try:
        if wanted.check:
            wrong = differing(wanted.docs)
            for name in wrong:
                print(f"{wanted.docs / name} is not what the results give: run python -m loadtest.results")
            return 1 if wrong else 0
        take_in(wanted.docs, wanted.bench, wanted.finish, wanted.report, wanted.chaos)
        write(wanted.docs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"--bench, --finish, --report or --chaos, or a file in {wanted.docs / 'results'}, is none: {error}",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
