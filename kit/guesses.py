"""Guessing is made hopeless: an address that asks for what is not there is soon no longer told what is."""

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 50_000  # addresses, and pairs of address and word, that are remembered; some 10 MB together


class Guesses:
    """A bucket of tokens an address, per process and in memory; an unknown word costs one, a good one nothing.

    Whoever has none left waits, for good words too, or the answer would tell which are good. But a word that led the
    address on before goes on leading: a call centre works on while somebody behind its address guesses.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._per_s = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> tokens, when
        self._led: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def refuses(self, address: str, word: bytes) -> bool:
        """True when this address is not told about this word now."""
        return address in self._left and self._tokens(address) < 1 and (address, word) not in self._led

    def missed(self, address: str) -> None:
        """The address asked for a word that nobody has."""
        self._left[address] = self._tokens(address) - 1, self._clock()
        self._left.move_to_end(address)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)

    def led(self, address: str, word: bytes) -> None:
        """The address asked for a word that is good."""
        pair = address, word
        if pair not in self._led:
            self._led[pair] = None
            if len(self._led) > _MOST:
                self._led.popitem(last=False)

    def _tokens(self, address: str) -> float:
        left, at = self._left.get(address, (self._most, 0.0))
        return min(left + (self._clock() - at) * self._per_s, self._most)
