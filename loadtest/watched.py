"""Runs `cellcast` with an eye on its event loop: the most processor time that any one callback held it for.

Wall-clock time would count what other processes of the machine do meanwhile. The metric is reset by each scrape.
"""

import asyncio
import time
from collections.abc import Callable
from typing import cast

from prometheus_client import Gauge

from kit.cli import main

HELD = Gauge("cellcast_watched_longest_callback_seconds", "The most processor time of one callback of the event loop")

_run = cast(Callable[[asyncio.Handle], None], asyncio.Handle._run)
_longest = 0.0


def _watched(handle: asyncio.Handle) -> None:
    global _longest  # noqa: PLW0603 - asked for millions of times
    began = time.thread_time()
    _run(handle)
    _longest = max(_longest, time.thread_time() - began)


def _said() -> float:
    global _longest
    said, _longest = _longest, 0.0
    return said


if __name__ == "__main__":
    asyncio.Handle._run = _watched  # type: ignore[assignment,method-assign]
    HELD.set_function(_said)
    main()
