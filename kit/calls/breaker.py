"""Not calling who does not answer: a breaker for each peer, and a budget for calling again."""

import time
from collections.abc import Callable

FAILURES = 5  # in a row that open it
OPEN_S = 5.0
BUDGET = 10.0  # calls that may be repeated at once
EARNED = 0.1  # of a repetition with each call: a peer in trouble gets at most a tenth more (gRPC's A6)


class Breaker:
    """Opens after failures in a row; then, every few seconds, one call is let through to see (half open)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._probe_from: float | None = None  # when a probe may be sent; None while it is closed
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are held back."""
        return self._probe_from is not None

    def admits(self) -> bool:
        """Whether a call may be made now. Whoever is let through says `succeeded`, `failed` or `left`."""
        if self._probe_from is None:
            return True
        if self._probing or self._clock() < self._probe_from:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The peer answered."""
        self._failures, self._probe_from, self._probing = 0, None, False

    def failed(self) -> None:
        """The peer did not answer, or not as itself."""
        self._failures += 1
        self._probing = False
        if self._failures >= FAILURES:
            self._probe_from = self._clock() + OPEN_S

    def left(self) -> None:
        """The caller went away before the peer could show anything."""
        self._probing = False


class Budget:
    """Repetitions that a peer may be given: earned by calls, spent one by one."""

    def __init__(self) -> None:
        self._held = BUDGET

    def earn(self) -> None:
        """A call was made."""
        self._held = min(BUDGET, self._held + EARNED)

    def spend(self) -> bool:
        """Whether one more repetition is allowed; it is taken then."""
        if self._held < 1:
            return False
        self._held -= 1
        return True
