"""Work that a process does again and again beside its other work, for as long as it lives."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from prometheus_client import Counter, Gauge

from kit import logs
from kit.refusals import Refusal

ENDED = Counter("cellcast_rounds_total", "Rounds of work that is done again and again", ["what", "outcome"])
LAST = Gauge("cellcast_round_last_success_timestamp_seconds", "When a round last ended well, unix seconds", ["what"])

log = logs.get("rounds")


async def rounds(
    what: str,
    do: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    every_s: float,
    again_s: float | None = None,
) -> None:
    """Do it every `every_s` seconds until `stop`, after a failure in `again_s`.

    Whatever fails is said and tried again: a database or a peer that is away, or a fault of ours, does not end the
    process, which has people to answer meanwhile.
    """
    while not stop.is_set():
        pause = every_s
        try:
            await do()
            ENDED.labels(what, "ok").inc()
            LAST.labels(what).set_to_current_time()
        except Refusal as refusal:
            ENDED.labels(what, "failed").inc()
            log.warning("round failed", what=what, reason=refusal.slug)
            pause = again_s or every_s
        except Exception as error:
            ENDED.labels(what, "failed").inc()
            log.error("round failed", what=what, exc_info=error)
            pause = again_s or every_s
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
