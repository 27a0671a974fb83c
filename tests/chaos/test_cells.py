"""Every server and process of a cell fails in every way, one at a time, while people of two cells are at work.

The other cell's people notice nothing, the hurt cell is well again by itself, and in the end all that was acknowledged
is there, once. The rows are done one after the other before the first test looks at what came of them.
It wants a machine on which nothing else runs: CELLCAST_CHAOS_S says that it has one, and for how many seconds each
fault is held; from 30 on every row there is. CELLCAST_CHAOS_REPORT: a file for what each row showed, as
`python -m loadtest.results --chaos` takes it.
"""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import quantiles
from urllib.request import urlopen

import pytest

from loadtest.bench.results import machine
from loadtest.load import endstate
from loadtest.target import read
from tests.chaos.faults import DO, LONG_LOOK, ROWS, Row
from tests.chaos.pair import HURT, OTHER, Pair, taken_up
from tests.chaos.people import People, Step
from tests.e2e.waiting import until

HELD = os.environ.get("CELLCAST_CHAOS_S")
FAULT_S = float(HELD or "1.5")
CHOSEN = [row for row in ROWS if FAULT_S >= 30 or row not in LONG_LOOK]
WELL_WITHIN_S = 120.0  # seconds on a machine that has them; a busy one took 45
STARVED_S = 0.5

# One stack and one load for all rows, on a machine that may be busy: pytest's own limit is for one test.
pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not HELD, reason="takes a machine of its own: CELLCAST_CHAOS_S=1.5 pytest tests/chaos/test_cells.py"
    ),
]


@dataclass(frozen=True)
class Outcome:
    """What came of a row."""

    well_after_s: float | None  # from the fault's end until the hurt cell had done one of each thing; None: it had not
    others: list[Step]  # what went wrong in the other cell meanwhile
    usual_ms: list[float]  # how long what people of the other cell do took just before
    meanwhile_ms: list[float]  # and from the fault until the hurt cell was well
    held_up_s: float  # how long at most a process of the other cell's had no processor


@dataclass(frozen=True)
class Campaign:
    """All rows, and the people who were there."""

    pair: Pair
    people: People
    outcomes: dict[Row, Outcome]


@pytest.fixture(scope="session")
async def campaign() -> AsyncIterator[Campaign]:
    async with taken_up() as pair:
        people = People(pair.deployment.description, "Chaos")
        outcomes: dict[Row, Outcome] = {}
        async with people.at_work():
            for cell in (HURT, OTHER):
                await until(partial(_well, people, cell, 0.0), WELL_WITHIN_S)
            for row in CHOSEN:
                if row.fault != "full" or pair.disks:
                    outcomes[row] = await _done(pair, people, row)
        if report := os.environ.get("CELLCAST_CHAOS_REPORT"):
            await asyncio.to_thread(_report, Path(report), outcomes)
        yield Campaign(pair, people, outcomes)


async def _done(pair: Pair, people: People, row: Row) -> Outcome:
    quiet = time.monotonic()
    await asyncio.sleep(FAULT_S)  # the length of the fault without one: it is held against this
    began = time.monotonic()
    await DO[row.fault](pair, row, lambda: asyncio.sleep(FAULT_S))
    ended = time.monotonic()
    try:
        await until(lambda: _well(people, HURT, ended), WELL_WITHIN_S)
        well: float | None = time.monotonic() - ended
    except TimeoutError:
        well = None
    over = time.monotonic()
    print(f"{row}: {ended - began:.1f} s, well after {well}")
    return Outcome(
        well_after_s=well,
        others=people.problems(OTHER, began, over),
        usual_ms=people.took_ms(OTHER, quiet, began),
        meanwhile_ms=people.took_ms(OTHER, began, over),
        held_up_s=await asyncio.to_thread(_held_up, pair),
    )


def _report(file: Path, outcomes: dict[Row, Outcome]) -> None:
    """What each row showed, and all of them together."""
    usual = [took for one in outcomes.values() for took in one.usual_ms]
    meanwhile = [took for one in outcomes.values() for took in one.meanwhile_ms]
    rows = [
        {
            "row": str(row),
            "well_after_s": one.well_after_s,
            "others_failed": len(one.others),
            "usual_p95_ms": _p95(one.usual_ms),
            "meanwhile_p95_ms": _p95(one.meanwhile_ms),
        }
        for row, one in outcomes.items()
    ]
    said = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "held_s": FAULT_S,
        "rows": rows,
        "usual": {"count": len(usual), "p95_ms": _p95(usual)},
        "meanwhile": {"count": len(meanwhile), "p95_ms": _p95(meanwhile)},
    }
    file.write_text(json.dumps(said, indent=1), encoding="utf-8")


def _p95(took_ms: list[float]) -> float | None:
    return round(quantiles(took_ms, n=20)[-1], 1) if len(took_ms) > 1 else None


def _held_up(pair: Pair) -> float:
    """The longest block of the event loops that the other cell's people go through, within the last minute."""
    found = []
    for one in pair.deployment.description.scrapes:
        if one.labels.get("process", "web") == "web" and one.labels.get("region") == "eu":
            with urlopen(f"http://{one.address}/metrics", timeout=30) as answer:
                found += re.findall(rb"^cellcast_event_loop_longest_block_seconds (\S+)", answer.read(), re.MULTILINE)
    assert len(found) == 2, "the cell's and its provisioning's"
    return max(map(float, found))


async def _well(people: People, cell: str, since: float) -> bool:
    return people.well_since(cell, since)


@pytest.mark.parametrize("row", CHOSEN, ids=str)
async def test_the_other_cell_notices_nothing_and_the_hurt_one_is_well_by_itself(campaign: Campaign, row: Row) -> None:
    if row not in campaign.outcomes:
        pytest.skip(f"nothing can be mounted here: {campaign.pair.no_disks}")
    outcome = campaign.outcomes[row]
    # Who gets no processor for a second is taken for hung (kit/calls/pulse.py): then the machine was too busy to judge.
    starved = outcome.held_up_s > STARVED_S
    noticed = [one for one in outcome.others if not (starved and one.kind == "person")]
    assert not noticed, (
        f"the other cell's people noticed it; their processes were held up {outcome.held_up_s} s at most"
    )
    assert outcome.well_after_s is not None, f"not well {WELL_WITHIN_S} s later"


async def test_nobody_was_told_that_something_is_not_there_or_not_allowed(campaign: Campaign) -> None:
    assert not campaign.people.told_wrong


async def test_nothing_acknowledged_is_lost_and_nothing_doubled(campaign: Campaign) -> None:
    target = read(campaign.pair.deployment.folder.description)
    end = await endstate.read(target, campaign.people.ledger, campaign.people.run)
    assert end.finished > len(campaign.outcomes)
    assert (end.lost, end.torn, end.doubled) == ([], [], [])
    for workspace in campaign.people.described.workspaces:
        found, known = await campaign.people.persons_found(workspace), campaign.people.persons[workspace.key]
        acknowledged = {name: title for name, title in known.items() if title == "old"}
        assert acknowledged.items() <= found.items()
