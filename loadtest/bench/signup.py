"""How long a company waits from sending the form to a workspace that works."""

import asyncio
import secrets
import time
from statistics import quantiles
from uuid import uuid4

import aiohttp

from kit.localhost import connector, to_loopback
from loadtest.bench.deployment import deployment
from loadtest.bench.figures import Unmeasurable, figure

SIGN_UPS = 40
_WITHIN_S = 30


@figure("placement.signup_p95_s", unit="s", target=2, better="lower")
def signup_p95_s() -> float:
    """From the request of a sign-up until the front door leads to the workspace and its sign-in page is there.

    One after the other, in both regions by turns, with the mail server and all other parts of a deployment running.
    """
    return quantiles(asyncio.run(_sign_ups()), n=20)[-1]


async def _sign_ups() -> list[float]:
    facts = deployment().facts
    regions = [one["url"] for one in facts.get("provisioning", {}).values()]
    if not regions:
        raise Unmeasurable("the deployment has no provisioning")
    took = []
    async with aiohttp.ClientSession(connector=connector()) as http:
        for number in range(SIGN_UPS):
            begun = time.perf_counter()
            key = await signed_up(http, regions[number % len(regions)])
            await _works(http, f"{facts['router']['url']}/{key}")
            took.append(time.perf_counter() - begun)
    return took


async def signed_up(http: aiohttp.ClientSession, url: str, request_key: str = "") -> str:
    """Sign a company up at a region's provisioning; the workspace's key. Raises Unmeasurable."""
    founder = {"company": "Bench", "name": "Bench", "email": f"bench.{secrets.token_hex(6)}@example.com"}
    body = {**founder, "password": secrets.token_urlsafe(16), "request_key": request_key or uuid4().hex}
    async with http.post(f"{url}/api/v1/sign-ups", json=body, headers={"Origin": url}) as answer:
        if answer.status >= 300:
            raise Unmeasurable(f"provisioning answers {answer.status}")
        return str((await answer.json())["key"])


async def _works(http: aiohttp.ClientSession, address: str) -> None:
    """Return once the page behind the address is there; redirects are followed as a browser does."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        url, host = to_loopback(address)
        async with http.get(url, headers={"Host": host}, allow_redirects=False) as answer:
            if answer.status == 200:
                return
            if answer.status in {302, 303}:
                address = str(answer.headers["Location"])
                continue
        await asyncio.sleep(0.02)
    raise Unmeasurable("the workspace never worked")
