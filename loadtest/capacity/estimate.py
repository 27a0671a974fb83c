"""The sum: what a cell has, divided by what one recorder needs of it. The least of these is what the cell holds."""

from dataclasses import dataclass, field
from math import ceil, inf

from loadtest.capacity.costs import PARTS, Costs, Part

# Beyond this share of a processor answers wait more than twice as long as they take (M/M/1: 1 / (1 - 0.7) = 3.3 times
# in all), and a cell has nothing left for a pod that restarts.
BUSY = 0.7
MEDIA_JOBS = 2  # CELLCAST_CELL_MEDIA_JOBS: ffmpegs of a worker at once
TIMES_MOVED = 3  # footage comes into the bucket, goes to a worker to be joined, and comes back as a video
_MIB = 1 << 20


@dataclass(frozen=True)
class Size:
    """What a cell has: processors of its parts, or `shared` ones of a machine that has all of them; 0 is unbounded.

    `s3_mbit` is the bandwidth between the cell, its customers and its bucket, `memory_mib` that of web, workers and
    Redis together.
    """

    processors: dict[Part, float] = field(default_factory=dict)
    shared: float = 0.0
    s3_mbit: float = 0.0
    memory_mib: float = 0.0


@dataclass(frozen=True)
class Use:
    """How it is used: the mean length of a recording, how many agents are at work, the share that may be busy.

    `beside` are processor seconds for a second of a recorder that are no cell's: of a load generator on the machine.
    """

    recording_s: float = 120.0
    agents: int = 0
    busy: float = BUSY
    beside: float = 0.0


@dataclass(frozen=True)
class Bound:
    """One thing that runs out: how many recorders it holds, of how much, at how much each."""

    name: str
    recorders: float
    has: float
    each: float
    unit: str


@dataclass(frozen=True)
class Estimate:
    """How many recorders at once, how many recordings an hour that is, and what bounds it, tightest first."""

    recorders: int
    recordings_per_hour: int
    bounds: tuple[Bound, ...]

    @property
    def bound_by(self) -> str:
        """What runs out first."""
        return self.bounds[0].name


def estimate(costs: Costs, size: Size, use: Use) -> Estimate:
    """What a cell of that size holds. Raises ValueError where nothing is bounded."""
    bounds = _processors(costs, size, use)
    if size.s3_mbit:
        each = costs.chunk_bytes * TIMES_MOVED * 8 / 1e6
        has = size.s3_mbit * use.busy
        bounds.append(Bound("S3 bandwidth", has / each, has, each, "Mbit/s"))
    if size.memory_mib:
        has = size.memory_mib - _memory_of_processes(costs, size)
        each = costs.redis_recorder_bytes / _MIB
        bounds.append(Bound("memory", _quotient(has, each), has, each, "MiB"))
    if not bounds:
        raise ValueError("a cell without bounds holds everybody: say what it has")
    ordered = tuple(sorted(bounds, key=lambda one: one.recorders))
    least = max(0.0, ordered[0].recorders)
    if least == inf:
        raise ValueError("these costs bound nothing")
    return Estimate(int(least), int(least * 3600 / use.recording_s), ordered)


def each_second(costs: Costs, part: Part, recording_s: float) -> float:
    """Processor seconds that a part spends on one recorder in a second, their share of finishing included."""
    finishing = costs.recording.get(part, 0.0) / recording_s + costs.recorded_second.get(part, 0.0)
    return costs.recorder_second.get(part, 0.0) + finishing


def _processors(costs: Costs, size: Size, use: Use) -> list[Bound]:
    each = {part: each_second(costs, part, use.recording_s) for part in PARTS}
    agents = {part: costs.agent_second.get(part, 0.0) * use.agents for part in PARTS}
    out = [
        _bound(f"{part} processors", cores * use.busy - agents[part], each[part])
        for part, cores in size.processors.items()
        if cores
    ]
    if size.shared:
        has = size.shared * use.busy - sum(agents.values())
        out.append(_bound("processors", has, sum(each.values()) + use.beside))
    return out


def _bound(name: str, has: float, each: float) -> Bound:
    return Bound(name, _quotient(has, each), has, each, "processors")


def _quotient(has: float, each: float) -> float:
    return max(0.0, has) / each if each else inf


def _memory_of_processes(costs: Costs, size: Size) -> float:
    """One process of each kind for each processor it has, as the charts run them."""
    web = max(1, ceil(size.processors.get("web", size.shared)))
    workers = max(1, ceil(size.processors.get("worker", size.shared)))
    return web * costs.web_mib + workers * (costs.worker_mib + MEDIA_JOBS * costs.ffmpeg_mib)
