"""The figures of recording: what the customer's browser and the waiting agent feel."""

import asyncio
import gzip
import re
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urljoin, urlsplit

import aiohttp

from kit.localhost import connector
from loadtest import media
from loadtest.bench.deployment import deployment, down, up
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.protocol import Customer, begun

MINUTES = 10
RUNS = 10
GRANT_ROUNDS = 200
STARTS = 3


@figure("recording.finish_to_playable_p95_s", unit="s", target=3, better="lower")
def finish_to_playable() -> float:
    """From the call that finishes 10 min of 720p to "ready", over several recordings; the video then seeks (206)."""
    footage = media.chunks(media.webm(MINUTES * 60), MINUTES * 60)
    return asyncio.run(_finish_to_playable(footage))


async def _finish_to_playable(footage: list[bytes]) -> float:
    workspace = deployment().workspace("eu")
    times = []
    for _ in range(RUNS):
        async with begun(workspace["link"]) as (customer, recording):
            await customer.send(recording, footage)
            began = time.perf_counter()
            await customer.finish(recording)
            state = await customer.until_settled(recording, within_s=60)
            times.append(time.perf_counter() - began)
        if state != "ready":
            raise Unmeasurable(f"the recording became {state}")
        await _must_seek(workspace, recording.id)
    return quantiles(times, n=20, method="inclusive")[-1]


async def _must_seek(workspace: dict[str, str], recording_id: str) -> None:
    url = f"{deployment().cell_url(workspace['cell'])}/api/v1/recordings/{recording_id}"
    async with aiohttp.ClientSession(connector=connector()) as http:
        async with http.get(url, headers={"Authorization": f"Bearer {workspace['api_token']}"}) as answer:
            video = (await answer.json())["video_url"]
        async with http.get(video, headers={"Range": "bytes=1000000-1000999"}) as answer:
            if answer.status != 206:
                raise Unmeasurable(f"the video does not seek: {answer.status}")


@figure("recording.grant_10_chunks_ms", unit="ms", target=10, better="lower")
def grant_10_chunks() -> float:
    """A request for ten grants, seen from a client on the same machine: the server's time and the loopback's."""
    return asyncio.run(_grant_10_chunks())


async def _grant_10_chunks() -> float:
    times = []
    async with begun(deployment().workspace("eu")["link"]) as (customer, recording):
        for number in range(GRANT_ROUNDS):
            batch = [f"{number} {index}".encode() * 1000 for index in range(10)]
            began = time.perf_counter()
            await customer.grants(recording, number * 10, batch)
            times.append(time.perf_counter() - began)
    return median(times) * 1000


@figure("recorder.page_gzip_kb", unit="kB", target=60, better="lower")
def page_gzip() -> float:
    """Scripts and styles of the recorder's page, gzipped; anything of a third party ends the measurement."""
    return asyncio.run(_page_gzip())


async def _page_gzip() -> float:
    async with Customer() as customer:
        page = await customer.open(deployment().workspace("eu")["link"])
    origin = urlsplit(page).netloc
    async with aiohttp.ClientSession(connector=connector()) as http:
        async with http.get(page) as answer:
            html = await answer.text()
        total = 0
        for address in re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+\.(?:js|css))"', html):
            url = urljoin(page, address)
            if urlsplit(url).netloc != origin:
                raise Unmeasurable(f"the page loads something from {urlsplit(url).netloc}")
            async with http.get(url) as answer:
                total += len(gzip.compress(await answer.read(), 9))
    if not total:
        raise Unmeasurable("the page has no script")
    return total / 1000


@figure("stack.start_s", unit="s", target=15, better="lower")
def stack_start() -> float:
    """`cellcast stack up` in an empty folder until it is ready, everything installed."""
    times = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="cellcast-start-", ignore_cleanup_errors=True) as folder:
            began = time.perf_counter()
            up(Path(folder))
            times.append(time.perf_counter() - began)
            down(Path(folder))
    return median(times)
