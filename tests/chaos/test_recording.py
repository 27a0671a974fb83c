"""Faults while a recording is made, sent and prepared: each time it becomes ready, and nothing is missing."""

import asyncio
import hashlib
import os
import signal
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from playwright.async_api import BrowserContext, Error
from redis.asyncio import Redis

from loadtest import media
from loadtest.protocol import Customer as Client
from loadtest.protocol import Recording, begun
from tests.deployment import Deployment
from tests.e2e.browsers import Browsers, Temper, Visits, arguments
from tests.e2e.customer import FOOTAGE_BYTES, Customer
from tests.e2e.office import Api, api
from tests.e2e.waiting import until

# One stack for all of them, and a fault of one must not be another's.
pytestmark = [pytest.mark.stack, pytest.mark.browser]

READY_S = 120
SLACK_MS = 500
LONG_S = 300  # takes a worker long enough to be killed at it


async def test_a_browser_killed_at_nine_seconds_leaves_seven(
    browsers: Browsers, visits: Visits, fragile: Deployment, tmp_path: Path
) -> None:
    async with api(fragile.description, "eu") as program:
        link = await program.link("Killed")
        async with _profile(browsers, visits, tmp_path) as context:
            customer = Customer(await context.new_page())
            await customer.opens(link.url)
            await customer.starts("screen", voice=True)
            await customer.records_until(9)
            await customer.has_sent(8)  # on a busy machine the recorder begins late
            [killed] = await customer.spool()
            _kill_browser(tmp_path)
        swept = await _ready(program, killed.recording_id)
    assert swept["duration_ms"] >= 7_000


async def test_who_comes_back_after_a_crash_sends_what_only_their_browser_held(
    browsers: Browsers, visits: Visits, fragile: Deployment, tmp_path: Path
) -> None:
    async with api(fragile.description, "eu") as program:
        link = await program.link("Killed, and back", max_uses=1)
        async with _profile(browsers, visits, tmp_path) as context:
            customer = Customer(await context.new_page())
            await customer.opens(link.url)
            await customer.starts("screen")
            await customer.records_until(3)
            await customer.has(FOOTAGE_BYTES, arrived=FOOTAGE_BYTES)
            await context.set_offline(True)
            await customer.records_until(7)
            _kill_browser(tmp_path)
        [made] = await program.recordings_of(link)
        swept = await _ready(program, made["id"])

        async with _profile(browsers, visits, tmp_path) as context:
            customer = Customer(await context.new_page())
            await customer.opens(link.url)  # it is used up; its page still finds what was interrupted
            await customer.at("recovery")
            [spooled] = await customer.spool()
            assert spooled.arrived_bytes < sum(spooled.sizes)
            await customer.presses("resume-upload")
            await customer.at("done")
            await customer.is_told_it_is_ready()
        whole = await _ready(program, spooled.recording_id)
    assert whole["duration_ms"] > swept["duration_ms"]
    assert await _manifest(fragile, spooled.recording_id) == (spooled.sizes, spooled.sha256)


@asynccontextmanager
async def _profile(browsers: Browsers, visits: Visits, folder: Path) -> AsyncIterator[BrowserContext]:
    """A browser of its own, with a profile that outlives it."""
    context = await browsers.playwright.chromium.launch_persistent_context(
        folder / "profile", executable_path=browsers.chromium, args=arguments(Temper.WILLING), locale="en"
    )
    visits.watch(context, "eu")
    yield context
    with suppress(Error):  # it was killed
        await context.close()


def _kill_browser(folder: Path) -> None:
    """SIGKILL the browser of that profile, and all that belongs to it."""
    ours = [one for one in psutil.Process().children(recursive=True) if str(folder) in " ".join(one.cmdline())]
    assert ours
    for process in ours:
        process.kill()
    psutil.wait_procs(ours, timeout=10)


async def test_s3_is_away_for_ten_seconds_while_a_customer_records(visits: Visits, fragile: Deployment) -> None:
    async with api(fragile.description, "eu") as program:
        customer = await _recording(visits, program)
        await asyncio.to_thread(fragile.stop, "eu-1-s3")
        await customer.records_until(12)
        await asyncio.to_thread(fragile.start, "eu-1-s3")
        await _arrives_whole(customer, program, fragile)


async def test_web_is_killed_while_a_customer_records(visits: Visits, fragile: Deployment) -> None:
    async with api(fragile.description, "eu") as program:
        customer = await _recording(visits, program)
        killed = _kill("eu-1-web", fragile)
        await customer.records_until(5)
        await _up_again("eu-1-web", killed, fragile)
        await _arrives_whole(customer, program, fragile)


async def _recording(visits: Visits, program: Api) -> Customer:
    """A customer two seconds into their recording."""
    link = await program.link("Faults")
    customer = Customer(await visits.page("eu"))
    await customer.opens(link.url)
    await customer.starts("screen")
    await customer.records_until(2)
    return customer


async def _arrives_whole(customer: Customer, program: Api, deployment: Deployment) -> None:
    """Stopped and sent, it becomes ready with every piece that the browser made, as long as its clock ran."""
    spooled = await customer.stops()
    await customer.sends()
    await customer.is_told_it_is_ready()
    made = await _ready(program, spooled.recording_id)
    assert await _manifest(deployment, spooled.recording_id) == (spooled.sizes, spooled.sha256)
    assert abs(made["duration_ms"] - spooled.duration_ms) < SLACK_MS


async def test_redis_is_emptied_during_upload_and_processing(fragile: Deployment) -> None:
    footage = _footage()
    half = len(footage) // 2
    async with api(fragile.description, "eu") as program, _sending(program) as (client, recording):
        await client.send(recording, footage[:half])
        await _empty_redis(fragile)
        await client.send(recording, footage[half:])
        await client.finish(recording)
        await _is_processing(client, recording)
        await _empty_redis(fragile)
        made = await _ready(program, recording.id)
    await _is_whole(made, footage, fragile)


async def test_the_worker_is_killed_in_the_middle_of_processing(fragile: Deployment) -> None:
    footage = _footage()
    async with api(fragile.description, "eu") as program, _sending(program) as (client, recording):
        await client.send(recording, footage)
        await client.finish(recording)
        await _is_processing(client, recording)
        killed = _kill("eu-1-worker", fragile)
        assert (await client.state(recording))["state"] == "processing", "it was killed too late to prove anything"
        await _up_again("eu-1-worker", killed, fragile)
        made = await _ready(program, recording.id)
    await _is_whole(made, footage, fragile)


def _footage() -> list[bytes]:
    return media.chunks(media.webm(LONG_S, width=640, height=360), LONG_S)


@asynccontextmanager
async def _sending(program: Api) -> AsyncIterator[tuple[Client, Recording]]:
    link = await program.link("Faults")
    async with begun(link.url) as both:
        yield both


async def _is_processing(client: Client, recording: Recording) -> None:
    async def processing() -> bool:
        state = (await client.state(recording))["state"]
        assert state in {"finishing", "processing"}, state
        return bool(state == "processing")

    await until(processing, READY_S, every_s=0.005)


async def _empty_redis(deployment: Deployment) -> None:
    async with Redis.from_url(deployment.description.cells["eu-1"].redis_url) as redis:
        await redis.flushall()


def _kill(name: str, deployment: Deployment) -> int:
    """SIGKILL a process of the stack; which one it was."""
    pid = deployment.pid(name)
    os.kill(pid, signal.SIGKILL)
    return pid


async def _up_again(name: str, killed: int, deployment: Deployment) -> None:
    """Wait until the supervisor has started a killed process again."""

    async def ready() -> bool:
        row = (await asyncio.to_thread(deployment.processes))[name]
        return row["life"] == "ready" and row["pid"] != killed

    await until(ready, READY_S)


async def _ready(program: Api, recording_id: str) -> dict[str, int]:
    async def ready() -> bool:
        return bool((await program.recording(recording_id))["state"] == "ready")

    await until(ready, READY_S)
    return await program.recording(recording_id)


async def _manifest(deployment: Deployment, recording_id: str) -> tuple[list[int], list[str]]:
    """Sizes and SHA-256 (base64) of the pieces that a ready recording was joined from and compared with."""
    database = await asyncpg.connect(deployment.superuser_dsn("eu-1"))
    try:
        row = await database.fetchrow("select sizes, hashes from manifests where id = $1", recording_id)
    finally:
        await database.close()
    hashes = [row["hashes"][at : at + 32] for at in range(0, len(row["hashes"]), 32)]
    return row["sizes"], [b64encode(one).decode() for one in hashes]


async def _is_whole(made: dict[str, int], footage: list[bytes], deployment: Deployment) -> None:
    sizes, sha256 = await _manifest(deployment, str(made["id"]))
    assert sizes == [len(one) for one in footage]
    assert sha256 == [b64encode(hashlib.sha256(one).digest()).decode() for one in footage]
    assert abs(made["duration_ms"] - LONG_S * 1000) < SLACK_MS
