"""What recording costs, and whether `cellcast capacity` says of this machine what a load then shows."""

import asyncio
import json
import os
import tempfile
from functools import cache
from pathlib import Path

from loadtest import samples
from loadtest.bench.deployment import deployment
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.capacity import PARTS, Costs, Size, Use, estimate
from loadtest.capacity.costs import write
from loadtest.capacity.estimate import each_second
from loadtest.capacity.measure import measure
from loadtest.capacity.ramp import held, slots
from loadtest.load.run import LoadFailed, Wanted, run
from loadtest.scenarios.ramp import SCENARIO

COSTS = Path(__file__).parents[1] / "results" / "costs.json"
LENGTH_S = sum(SCENARIO.records_s) / 2
FULL = 0.9  # of the processors: where a load breaks, not where somebody would plan


@figure("capacity.recorder_ms", unit="ms", target=10, better="lower")
def recorder_ms() -> float:
    """Processor time of a whole cell for a second of one recorder, finishing included: 200 of them on 2 processors.

    Of 10 ms each, 200 take both processors; what is below is left to agents and to whatever else is there. Writes
    costs.json for `cellcast capacity --costs`.
    """
    return sum(each_second(_costs(), part, 120.0) for part in PARTS) * 1000


@figure("capacity.estimate_off_by", unit="", target=0.3, better="lower")
def estimate_off_by() -> float:
    """|estimate / measured - 1|, where recorders become more until p95 or pace breaks, the load generator beside it.

    0.3: costs are of one length of chunk and of a machine that is not full; between a processor that is 0.7 and one
    that is 1.0 busy lies as much, so a plan by BUSY = 0.7 is safe.
    """
    with tempfile.TemporaryDirectory(prefix="cellcast-ramp-") as folder:
        try:
            report = run(Wanted("ramp", None, Path(folder)), lambda _: None)
        except LoadFailed as error:
            raise Unmeasurable(str(error)) from None
        steps = samples.read(Path(folder) / "samples.csv")
        entries = json.loads((Path(folder) / "ledger.json").read_text(encoding="utf-8"))
    found = slots(steps, entries, report["seconds"])
    measured = held(found)
    if not measured:
        raise Unmeasurable("the cell broke at once, or not at all: the ramp shows no number")
    recorder_seconds = sum(one.recorders for one in found) / len(found) * report["seconds"]
    beside = report["processes"]["locust"]["mean"] * report["seconds"] / recorder_seconds
    size = Size(shared=float(len(os.sched_getaffinity(0))))
    expected = estimate(_costs(), size, Use(recording_s=LENGTH_S, busy=FULL, beside=beside))
    return abs(expected.recorders / measured - 1)


@cache
def _costs() -> Costs:
    costs = asyncio.run(measure(deployment().facts))
    write(COSTS, costs)
    return costs
