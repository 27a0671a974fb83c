"""Guesses: a bucket an address, refilled with time, bounded in memory."""

from kit import guesses as limits
from kit.guesses import Guesses


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def missed(guesses: Guesses, address: str, times: int) -> None:
    for _ in range(times):
        guesses.missed(address)


def test_tokens_come_back_with_time() -> None:
    clock = Clock()
    guesses = Guesses(30, clock)
    missed(guesses, "a", 29)
    assert not guesses.refuses("a", b"k")
    missed(guesses, "a", 1)
    assert guesses.refuses("a", b"k")
    clock.now += 1.9
    assert guesses.refuses("a", b"k")
    clock.now += 0.2
    assert not guesses.refuses("a", b"k")
    clock.now += 3600
    missed(guesses, "a", 29)
    assert not guesses.refuses("a", b"k")


def test_addresses_do_not_pay_for_one_another() -> None:
    guesses = Guesses(5, Clock())
    missed(guesses, "a", 5)
    assert guesses.refuses("a", b"k")
    assert not guesses.refuses("b", b"k")


def test_a_key_that_was_led_to_goes_on_leading() -> None:
    guesses = Guesses(5, Clock())
    guesses.led("a", b"mine")
    missed(guesses, "a", 50)
    assert not guesses.refuses("a", b"mine")
    assert guesses.refuses("a", b"other")


def test_memory_is_bounded() -> None:
    guesses = Guesses(5, Clock())
    for number in range(limits._MOST + 100):
        guesses.missed(str(number))
        guesses.led(str(number), b"k")
    assert len(guesses._left) == len(guesses._led) == limits._MOST
