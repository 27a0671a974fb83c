"""Takes costs from a running stack: processor seconds of a cell's processes while known work is done."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import psutil
from redis.asyncio import Redis

from kit.localhost import connector
from loadtest import media
from loadtest.bench.results import machine
from loadtest.capacity.costs import PARTS, Costs, Part
from loadtest.member import Browser
from loadtest.protocol import Customer, Recording

RECORDERS, PACED_S = 20, 15
FINISHED, SHORT_S, LONG_S = 10, 10, 60
LOOKS, ACTIONS = 24, 40  # of an agent: loadtest/people/agent.py in the same proportions
ACTIONS_A_SECOND = 0.25
IDLE_S = 5.0
MOST_USES = 1000  # of a link: what one may have
SERVING: tuple[Part, ...] = ("web", "postgres", "redis")  # agents; what workers clear up meanwhile is not theirs
DONE_WITHIN_S = 240.0
_MIB = 1 << 20
_MEDIA_JOBS = "SELECT count(*), max(last_error) FROM jobs WHERE lane = 'media' AND dead_at IS NULL"
SOURCE = "make bench ONLY=capacity"

Spent = dict[Part, float]


@dataclass(frozen=True)
class Place:
    """A cell of a stack on this machine: its facts in stack.json, one of its workspaces, and its processes."""

    cell: dict[str, Any]
    workspace: dict[str, Any]
    pids: dict[Part, int]

    @classmethod
    def of(cls, facts: dict[str, Any], region: str = "eu") -> "Place":
        """Of a description of a stack."""
        workspace = next(one for one in facts["workspaces"] if one["region"] == region)
        known = {one["name"]: one["pid"] for one in facts["processes"]}
        name = workspace["cell"]
        return cls(facts["cells"][name], workspace, {part: known[f"{name}-{part}"] for part in PARTS})

    async def link(self, customer: Customer) -> str:
        """A link for as many recordings as a measurement makes."""
        wanted = {"title": "Bench", "max_uses": MOST_USES}
        return await customer.new_link(self.cell["url"], self.workspace["api_token"], wanted)

    def spent(self) -> Spent:
        """Processor seconds so far, those of children included, whether they run or have ended."""
        return {part: with_children(pid) for part, pid in self.pids.items()}


async def measure(facts: dict[str, Any]) -> Costs:
    """Costs of recording, finishing and looking; a minute on a quiet machine."""
    place = Place.of(facts)
    idle = await _idle(place)
    redis = Redis.from_url(place.cell["redis_url"])
    footage = media.chunks(media.webm(LONG_S, width=640, height=360, kilobits=416), LONG_S)
    async with Customer(connections=64) as customer, redis:
        page = await customer.open(await place.link(customer))
        before = int((await redis.info("memory"))["used_memory"])
        async with _counted(place, idle) as recording:
            paced = await asyncio.gather(*(_paced(customer, page, footage[:PACED_S]) for _ in range(RECORDERS)))
        held = (int((await redis.info("memory"))["used_memory"]) - before) / RECORDERS
        for one in paced:  # left alone they would be finished while others are counted
            await customer.discard(one)
        short, _ = await _finished(place, idle, customer, page, footage[:SHORT_S])
        long, ffmpeg = await _finished(place, idle, customer, page, footage)
    async with _counted(place, idle) as looking:
        await _agent(place)
    recorded: Spent = {part: max(0.0, (long[part] - short[part]) / (LONG_S - SHORT_S)) for part in PARTS}
    return Costs(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        source=SOURCE,
        recorder_second=_each(recording, RECORDERS * PACED_S),
        recording={part: round(max(0.0, short[part] - recorded[part] * SHORT_S), 6) for part in PARTS},
        recorded_second={part: round(cost, 6) for part, cost in recorded.items()},
        agent_second=_each({part: looking[part] for part in SERVING}, ACTIONS / ACTIONS_A_SECOND),
        chunk_bytes=round(sum(map(len, footage)) / LONG_S),
        redis_recorder_bytes=round(max(held, 1.0)),
        web_mib=_resident(place.pids["web"]),
        worker_mib=_resident(place.pids["worker"]),
        ffmpeg_mib=ffmpeg,
    )


async def _idle(place: Place) -> Spent:
    """Processor seconds in a second of a cell that nobody uses: they are there anyhow, and no recorder's."""
    before, began = place.spent(), time.monotonic()
    await asyncio.sleep(IDLE_S)
    after, took = place.spent(), time.monotonic() - began
    return {part: (after[part] - before[part]) / took for part in PARTS}


@asynccontextmanager
async def _counted(place: Place, idle: Spent) -> AsyncIterator[Spent]:
    """What the block's work costs each part; the answer is filled in at its end."""
    out: Spent = {}
    before, began = place.spent(), time.monotonic()
    yield out
    after, took = place.spent(), time.monotonic() - began
    out.update({part: max(0.0, after[part] - before[part] - idle[part] * took) for part in PARTS})


async def _paced(customer: Customer, page: str, pieces: list[bytes]) -> Recording:
    """Somebody who records: a piece each second."""
    recording, begun = await customer.start(page), time.monotonic()
    for index, piece in enumerate(pieces):
        await asyncio.sleep(max(0.0, begun + index + 1 - time.monotonic()))
        await customer.send(recording, [piece])
    return recording


async def _finished(
    place: Place, idle: Spent, customer: Customer, page: str, pieces: list[bytes]
) -> tuple[Spent, float]:
    """What one recording of these pieces costs from its end to its last picture; the most memory of one ffmpeg."""
    recordings: list[Recording] = []
    for _ in range(FINISHED):
        recording = await customer.start(page)
        await customer.send(recording, pieces)
        recordings.append(recording)
    async with _counted(place, idle) as spent:
        for recording in recordings:
            await customer.finish(recording)
        most = await _most_memory_of_children(place.pids["worker"], _until_done(place.cell["dsn"]))
    for recording in recordings:
        state = str((await customer.state(recording))["state"])
        if state != "ready":
            raise RuntimeError(f"a recording became {state}")
    return _each(spent, FINISHED), most


async def _until_done(dsn: str) -> None:
    """Until no media job waits or runs: videos and storyboards are made. Raises RuntimeError where that takes long."""
    connection = await asyncpg.connect(dsn)
    deadline = time.monotonic() + DONE_WITHIN_S
    try:
        while (left := await connection.fetchrow(_MEDIA_JOBS))["count"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{left['count']} jobs not done within {DONE_WITHIN_S:.0f} s: {left['max']}")
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


async def _most_memory_of_children(pid: int, work: Awaitable[None]) -> float:
    """The most that one child held (MiB) while the work was done, looked at ten times a second."""
    doing, most = asyncio.ensure_future(work), 1.0
    while not doing.done():
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                most = max(most, child.memory_info().rss / _MIB)
        await asyncio.wait({doing}, timeout=0.1)
    await doing
    return round(most, 1)


async def _agent(place: Place) -> None:
    """Looks and clicks of an agent, without the pauses."""
    workspace, url = place.workspace, str(place.cell["url"])
    async with aiohttp.ClientSession(connector=connector(), cookie_jar=aiohttp.DummyCookieJar()) as http:
        agent = Browser(http, url, workspace["key"])
        await agent.sign_in(workspace["agent"]["email"], workspace["agent"]["password"])
        headers = {"Authorization": f"Bearer {workspace['api_token']}"}
        async with http.get(f"{url}/api/v1/recordings?limit=1", headers=headers) as answer:
            newest = (await answer.json())["recordings"][0]["id"]
        for number in range(ACTIONS):
            if number < LOOKS:
                await agent.ask("GET", "library")
            elif number % 4:
                await agent.ask("GET", f"recordings/{newest}")
                await agent.ask("GET", f"recordings/{newest}/video")
            else:
                wanted = {"title": "Show us", "expires_in_hours": "24", "uses": "1", "allows": "screen"}
                await agent.ask("POST", "links", data=wanted)


def _each(spent: Spent, times: float) -> Spent:
    return {part: round(seconds / times, 6) for part, seconds in spent.items()}


def with_children(pid: int) -> float:
    """Processor seconds of a process and of all below it, those that have ended included."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # ended meanwhile: its parent counts it now
            its = child.cpu_times()
            total += its.user + its.system + its.children_user + its.children_system
    return float(total)


def _resident(pid: int) -> float:
    return round(psutil.Process(pid).memory_info().rss / _MIB, 1)
