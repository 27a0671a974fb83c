"""Guessing keys is made hopeless: an address that asks for unknown ones is soon no longer told which are known."""

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 50_000  # addresses, and pairs of address and key, that are remembered; some 10 MB together


class Guesses:
    """A bucket of tokens an address, per worker and in memory; an unknown key costs one, a good one nothing.

    Whoever has none left waits, for good keys too, or the answer would tell which are good. But a key that the address
    was led to before goes on leading: a call centre works on while somebody behind its address guesses.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._per_s = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> tokens, when
        self._led: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def refuses(self, address: str, key: bytes) -> bool:
        """True when this address is not told about this key now."""
        return address in self._left and self._tokens(address) < 1 and (address, key) not in self._led

    def missed(self, address: str) -> None:
        """The address asked for a key that nobody has."""
        self._left[address] = self._tokens(address) - 1, self._clock()
        self._left.move_to_end(address)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)

    def led(self, address: str, key: bytes) -> None:
        """The address asked for a key that is good."""
        pair = address, key
        if pair not in self._led:
            self._led[pair] = None
            if len(self._led) > _MOST:
                self._led.popitem(last=False)

    def _tokens(self, address: str) -> float:
        left, at = self._left.get(address, (self._most, 0.0))
        return min(left + (self._clock() - at) * self._per_s, self._most)
