"""How soon somebody who is switched off is out everywhere, and whether a code of an app is ever taken twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
import pyotp

from kit.localhost import connector
from loadtest.bench.deployment import deployment
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.member import PASSWORD, Browser, joined

ROUNDS = 40
_WITHIN_S = 10.0
_EVERY_S = 0.03  # how exact the moment is known; asking more often would be what is measured
SENT = 10_000
HALVES = 8  # sign-ins that wait for the code; a device begins ten in a quarter of an hour
AT_ONCE = 100
_UNAUTHORISED, _CLOSED = 401, 409


@figure("sessions.lockout_p99_s", unit="s", target=1, better="lower")
def lockout_p99_s() -> float:
    """From asking to switch a member off, or to remove them, until the last of four doors is shut.

    Pages, the stream of live updates, an API token that they made, and grants for an upload that they began. Each round
    has a member of its own, who was invited by mail and joined.
    """
    return quantiles(asyncio.run(_lockouts()), n=100)[-1]


@figure("mfa.double_accepts", unit="codes", target=0, better="lower")
def double_accepts() -> float:
    """The same code of an authenticator app, sent 10,000 times at once to eight half-done sign-ins.

    What is let in beyond the first. Limits of attempts stand as they are; what the database alone decides, without
    them, is a test of `cell/factors`.
    """
    return float(max(0, asyncio.run(_accepts()) - 1))


async def _lockouts() -> list[float]:
    async with _http() as http:
        admin, facts = await _admin(http)
        link = await _link(http, facts)
        return [await _lockout(admin, facts, link, remove=number % 2 == 1) for number in range(ROUNDS)]


async def _lockout(admin: Browser, facts: dict[str, Any], link: str, *, remove: bool) -> float:
    member, address = await joined(admin, Path(facts["mail"]["folder"]), "admin")
    person_id, token = await admin.id_of(address), await member.token()
    upload = await _own_upload(member, link)
    api, grants = f"{admin.cell}/api/v1/links", f"{admin.cell}{upload['base']}/grants"
    bearer = {"Authorization": f"Bearer {token}"}
    chunk = {"chunks": [{"index": 0, "size": 3, "sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}]}
    uploading = {"Authorization": f"Bearer {upload['upload_token']}"}

    async def page() -> int:
        return (await member.ask("GET", "library"))[0]

    async def program() -> int:
        async with admin.http.get(api, headers=bearer) as answer:
            return answer.status

    async def granted() -> int:
        async with admin.http.post(grants, headers=uploading, json=chunk) as answer:
            return answer.status

    for door in (page, program, granted):
        assert await door() == 200, f"{door.__name__} is shut before anybody was switched off"
    async with member.http.get(f"{member.base}/events", headers=member.headers) as stream:
        await stream.content.readuntil(b"event: hello")
        began = time.perf_counter()
        act = admin.ask("POST", f"people/{person_id}/{'remove' if remove else 'deactivate'}", data={"email": address})
        doors = (
            _ended(stream),
            _until(page, {303, _UNAUTHORISED}),
            _until(program, {_UNAUTHORISED}),
            _until(granted, {_CLOSED}),
        )
        (status, _), *_ = await asyncio.gather(act, *doors)
        took = time.perf_counter() - began
    assert status == 303, f"switching off answers {status}"
    return took


async def _own_upload(member: Browser, link: str) -> dict[str, Any]:
    url = f"{member.cell}/r/{link.rsplit('/', 1)[1]}/recordings"
    async with member.http.post(url, headers=member.headers, json={"source": "screen"}) as answer:
        assert answer.status == 201, f"a recording answers {answer.status}"
        made: dict[str, Any] = await answer.json()
        return made


async def _ended(stream: aiohttp.ClientResponse) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while await stream.content.readany():
            pass


async def _until(door: Callable[[], Awaitable[int]], shut: set[int]) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while await door() not in shut:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(_EVERY_S)


async def _accepts() -> int:
    async with _http() as http:
        admin, facts = await _admin(http)
        member, address = await joined(admin, Path(facts["mail"]["folder"]), "agent")
        secret = await member.app()
        halves = [member.twin() for _ in range(HALVES)]
        for half in halves:
            await half.sign_in(address, PASSWORD)
        code = pyotp.TOTP(secret).at(time.time() + 30)  # the one of now was used to set the app up
        turn = asyncio.Semaphore(AT_ONCE)

        async def send(half: Browser) -> bool:
            async with turn:
                url = f"{half.base}/sign-in/factor"
                sent = {"headers": half.headers, "data": {"code": code}, "allow_redirects": False}
                async with http.post(url, **sent) as answer:  # type: ignore[arg-type]  # what aiohttp takes
                    cookies = answer.headers.getall("Set-Cookie", [])
                    return any(cookie.startswith("__Host-s-") for cookie in cookies)

        let_in = await asyncio.gather(*(send(halves[number % HALVES]) for number in range(SENT)))
    if not any(let_in):
        raise Unmeasurable("the code was not taken once")
    return sum(let_in)


async def _admin(http: aiohttp.ClientSession) -> tuple[Browser, dict[str, Any]]:
    here = deployment()
    workspace = here.workspace("eu")
    admin = Browser(http, here.facts["cells"][workspace["cell"]]["url"], workspace["key"])
    await admin.sign_in(workspace["admin"]["email"], workspace["admin"]["password"])
    return admin, {**here.facts, "workspace": workspace}


async def _link(http: aiohttp.ClientSession, facts: dict[str, Any]) -> str:
    workspace = facts["workspace"]
    url = f"{facts['cells'][workspace['cell']]['url']}/api/v1/links"
    headers = {"Authorization": f"Bearer {workspace['api_token']}"}
    async with http.post(url, headers=headers, json={"title": "Bench", "max_uses": ROUNDS + 10}) as answer:
        assert answer.status == 201, f"a link answers {answer.status}"
        return str((await answer.json())["url"])


def _http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=connector(AT_ONCE), cookie_jar=aiohttp.DummyCookieJar())
