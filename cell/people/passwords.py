"""Hashing passwords with argon2id, and what may be a password.

One hash takes some 30 ms of a core and 64 MiB, so it is made off the event loop, in no open transaction, and by few
threads at once; whoever comes while very many wait is asked to try again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cell.resources import Cell
from kit.marking import N_
from kit.passwords import BreachedList, Weakness, weakness
from kit.refusals import Kind, Refusal

T = TypeVar("T")

AT_ONCE = 2  # 128 MiB
WAITING = 60  # the last of them waits for about a second

_hasher = PasswordHasher()  # RFC 9106's low-memory recommendation: 64 MiB, 3 passes, 4 lanes
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
_in_hand: set[object] = set()

_WHY = {
    Weakness.SHORT: N_("Use at least 12 characters."),
    Weakness.LONG: N_("Use at most 200 characters."),
    Weakness.PERSONAL: N_("Leave out your name, your e-mail address and the name of the workspace."),
    Weakness.PATTERN: N_(
        "This repeats itself or follows a row of keys. Use several words that do not belong together."
    ),
    Weakness.BREACHED: N_("This password was in a data breach elsewhere, so it is among the first that are tried."),
}


class WeakPassword(Refusal):
    """Others would find the password out; `detail` says why."""

    kind = Kind.INVALID
    title = "Choose another password"
    detail = "Use several words that do not belong together."


class Busy(Refusal):
    """More passwords are waiting to be checked than this process takes on."""

    kind = Kind.UNAVAILABLE
    title = "Very many people are signing in at this moment"
    detail = "Try again in a few seconds."
    retry_after_s = 3


async def refuse_weak(cell: Cell, password: str, *about: str) -> None:
    """Raises WeakPassword; `about` are the names and addresses that must not be in it."""
    path = cell.settings.breached_passwords_path
    breached = None if path is None else _breached(path)
    found = await asyncio.to_thread(weakness, password, about, breached)
    if found is not None:
        raise WeakPassword(_WHY[found])


async def hashed(password: str) -> str:
    """The argon2id hash of a password, with its own salt. Raises Busy."""
    return await _off_the_loop(lambda: _hasher.hash(password))


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long where nothing is stored, and is then False. Raises Busy."""
    return await _off_the_loop(lambda: _matches(stored, password)) and stored is not None


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


async def _off_the_loop(work: Callable[[], T]) -> T:
    if len(_in_hand) >= AT_ONCE + WAITING:
        raise Busy
    ticket = object()
    _in_hand.add(ticket)
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _in_hand.discard(ticket)


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


# Checked against where there is no such person, so that the answer takes as long as for a wrong password.
@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


@cache
def _breached(path: Path) -> BreachedList:
    return BreachedList(path)
