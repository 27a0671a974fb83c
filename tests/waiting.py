"""Waiting for a condition with a deadline, the only way that tests wait."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], within_s: float, why: Callable[[], str] = str) -> None:
    """Return as soon as the condition holds; fail after `within_s` seconds with what `why` says."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {why()}"
        time.sleep(0.02)
