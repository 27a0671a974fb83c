"""Whether what a process leans on answers: asked by /readyz, and by the process itself, for the metrics."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from prometheus_client import Gauge

from kit.stopping import beside

EVERY_S = 5.0  # three questions of a millisecond each: nobody notices, and an alert is a few seconds late at most
WITHIN_S = 3.0  # a server that takes longer is away for whoever waits

UP = Gauge("cellcast_dependency_up", "1 while what this process needs answers, as it was asked last", ["dependency"])

Check = Callable[[], Awaitable[object]]  # raises when that part is down
Checks = Mapping[str, Check]


async def down(checks: Checks) -> dict[str, str]:
    """What does not answer, with the kind of its failure; all are asked at once. The gauge shows it too."""
    reasons = dict(zip(checks, await asyncio.gather(*(_why_down(one) for one in checks.values())), strict=True))
    for part, reason in reasons.items():
        UP.labels(part).set(not reason)
    return {part: reason for part, reason in reasons.items() if reason}


async def _why_down(check: Check) -> str:
    try:
        async with asyncio.timeout(WITHIN_S):
            await check()
    except Exception as error:  # whatever it is, the part is down, and its kind says enough
        return type(error).__name__
    return ""


@asynccontextmanager
async def watched(checks: Checks) -> AsyncIterator[None]:
    """Ask again and again while the block runs."""
    async with beside(_watch(checks)):
        yield


async def _watch(checks: Checks) -> None:
    while True:
        await down(checks)
        await asyncio.sleep(EVERY_S)
