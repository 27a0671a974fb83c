"""Makes a report of what locust has written to a folder, wherever it ran, by asking the cells what became of it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest import samples, scenarios
from loadtest.load import endstate, report
from loadtest.load.faults import Timed
from loadtest.target import Target


def facts_of(
    folder: Path,
    target: Target,
    uses: Mapping[str, Mapping[str, float]] | None = None,
    faults: Sequence[Timed] = (),
) -> dict[str, Any]:
    """The report's facts. Raises OSError where files are missing or a cell does not answer, ValueError, KeyError."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    entries = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    kept = samples.read(folder / "samples.csv")
    if not kept:
        raise ValueError(f"nobody took a step: see what locust said of {folder}")
    end = asyncio.run(endstate.read(target, entries, run["mark"]))
    scenario = scenarios.get(run["scenario"])
    about = scenario.about + ("" if run["people"] == scenario.total else f"; here {run['people']} people")
    return report.facts(run["scenario"], about, float(run["seconds"]), kept, uses or {}, end.facts(), faults)
