"""The feed's figures: how soon a change is answered with, and how fast a consumer that was away catches up."""

import asyncio
import json
import random
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from contracts.feed import BATCH_EVENTS, BatchHead, Event, Record, encode_batch, event_json, first_mark, next_mark
from contracts.feed_client import Follower, Sources
from contracts.feed_disk import Disk
from contracts.feed_rules import Held
from contracts.keys import new_key
from contracts.links import new_secret
from contracts.placements import ROUTING
from contracts.records import CELL, WORKSPACE
from kit.localhost import connector, to_loopback
from kit.signing import PublicKeys, SigningKey
from loadtest.bench.deployment import deployment
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.bench.signup import signed_up

EVENTS = 100_000
REPEATS = 3
CONSUMERS = 50  # the router whose answers are measured, and 49 that only follow
CHANGES = 200
_WITHIN_S = 60


@figure("feed.catch_up_100k_s", unit="s", target=10, better="lower")
def catch_up_100k_s() -> float:
    """100,000 events taken by a consumer that was away, each batch verified and written through to the disk.

    The consumer alone: batches are made and signed beforehand and served from memory. The median of three.
    """
    signing = SigningKey.new()
    batches = _batches(signing)
    return median(asyncio.run(_catch_up(batches, PublicKeys([signing.public]))) for _ in range(REPEATS))


@figure("feed.visible_p99_s", unit="s", target=1, better="lower")
def visible_p99_s() -> float:
    """From the operator's request that changes a workspace to the router's first answer with it; 50 consumers follow.

    The request's own time is in it. The router is the deployment's, asked every 5 ms.
    """
    about = deployment().facts.get("control_plane")
    if not about:
        raise Unmeasurable("the deployment has no control plane")
    return asyncio.run(_visible(about, str(deployment().facts["router"]["url"])))


def _batches(signing: SigningKey) -> list[bytes]:
    """The log from 0 to 100,000: workspaces that are made, change and go."""
    chance, now = random.Random(0), datetime.now(UTC)  # noqa: S311 - nothing secret
    keys = [new_key() for _ in range(EVENTS // 3)]
    mark, made = first_mark(ROUTING, 1), []
    for after in range(0, EVENTS, BATCH_EVENTS):
        texts, first = [], mark
        for n in range(after + 1, after + BATCH_EVENTS + 1):
            row: Record | None = [str(UUID(int=n)), "eu-1", 1, chance.choice(["active", "suspended"]), n]
            text = event_json(Event(n, now, WORKSPACE, chance.choice(keys), None if n % 10 == 0 else row))
            mark = next_mark(mark, text)
            texts.append(text)
        head = BatchHead(ROUTING, 1, after, first, after + BATCH_EVENTS, mark, EVENTS, now)
        made.append(encode_batch(head, texts, [signing]))
    return made


async def _catch_up(batches: list[bytes], public_keys: PublicKeys) -> float:
    async def answer(request: web.Request) -> web.Response:
        number, beyond = divmod(int(request.query["after"]), BATCH_EVENTS)
        if number == len(batches) and not beyond:
            await asyncio.sleep(_WITHIN_S)  # nothing new: as a long poll does
        return web.Response(body=batches[number])

    app = web.Application()
    app.router.add_get(f"/feeds/{ROUTING}", answer)
    serving = web.AppRunner(app, shutdown_timeout=0.1)
    await serving.setup()
    await web.TCPSite(serving, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{serving.addresses[0][1]}"
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder), ROUTING, "bench 1", {WORKSPACE: _pack, CELL: _pack})
        disk.store.replace(Held(ROUTING, 1, 0, first_mark(ROUTING, 1), datetime.now(UTC)), {})
        begun = time.perf_counter()
        following = asyncio.create_task(Follower(disk, ROUTING, public_keys, Sources(url, "bench")).run())
        try:
            async with asyncio.timeout(_WITHIN_S):
                while disk.store.held is None or disk.store.held.n < EVENTS:  # noqa: ASYNC110 - looked at from outside
                    await asyncio.sleep(0.01)
            return time.perf_counter() - begun
        except TimeoutError:
            raise Unmeasurable(f"not caught up within {_WITHIN_S} s") from None
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            disk.close()
            await serving.cleanup()


def _pack(key: str, record: Record) -> bytes:
    return json.dumps(record).encode()


class _Operator:
    """The operators' API."""

    def __init__(self, session: aiohttp.ClientSession, about: dict[str, Any]) -> None:
        self._session = session
        self._url = f"{about['url']}/api/operators/v1"
        self._headers = {"Authorization": f"Bearer {about['operator_token']}"}

    async def post(self, path: str, **body: object) -> dict[str, Any]:
        """Act; the answer's JSON. Raises Unmeasurable."""
        async with self._session.post(self._url + path, json=body, headers=self._headers) as answer:
            if answer.status >= 300:
                raise Unmeasurable(f"the control plane answers {answer.status} to {path}")
            return dict(await answer.json())


async def _visible(about: dict[str, Any], go_url: str) -> float:
    async with aiohttp.ClientSession(connector=connector(limit=200)) as session:
        operator = _Operator(session, about)
        reader = await operator.post("/feed-readers", name="bench", audiences=[ROUTING])
        followers = [
            asyncio.create_task(_follow(session, str(about["url"]), str(reader["token"]))) for _ in range(CONSUMERS - 1)
        ]
        key, why = await signed_up(session, str(deployment().facts["provisioning"]["eu"]["url"])), {"why": "bench"}
        try:
            await _answered(session, go_url, key, 302)
            took = []
            for number in range(CHANGES):
                change, status = (("suspend", 403), ("resume", 302))[number % 2]
                begun = time.perf_counter()
                await operator.post(f"/workspaces/{key}/{change}", **why)
                await _answered(session, go_url, key, status)
                took.append(time.perf_counter() - begun)
            return quantiles(took, n=100)[-1]
        finally:
            for one in followers:
                one.cancel()
            await asyncio.gather(*followers, return_exceptions=True)
            await operator.post("/feed-readers/bench/revoke")


async def _answered(session: aiohttp.ClientSession, go_url: str, key: str, status: int) -> None:
    """Return as soon as the router answers a link of this workspace like this. Raises Unmeasurable."""
    url, host = to_loopback(f"{go_url}/{key}-{new_secret(key)}")
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        async with session.get(url, headers={"Host": host}, allow_redirects=False) as answer:
            if answer.status == status:
                return
        await asyncio.sleep(0.005)
    raise Unmeasurable("the router never answered with the change")


async def _follow(session: aiohttp.ClientSession, url: str, token: str) -> None:
    """Poll as a consumer does, for ever, without keeping anything."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{url}/snapshots/{ROUTING}", headers=headers) as answer:
        at = _said(await answer.read())
    after = at["n"]
    while True:
        asked = {"after": str(after), "generation": str(at["generation"]), "wait": "25"}
        async with session.get(f"{url}/feeds/{ROUTING}", params=asked, headers=headers) as answer:
            after = _said(await answer.read())["upto"]


def _said(raw: bytes) -> dict[str, Any]:
    return dict(json.loads(raw.partition(b"\n")[2]))
