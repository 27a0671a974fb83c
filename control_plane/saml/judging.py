"""Answers are read and judged in processes of their own: the web process never waits for XML, a signature or a schema.

Half of a verdict is Python that holds its interpreter: in a thread it would hold up everybody else. A process that a
document manages to kill or to keep busy is replaced, and nobody's sign-in but that document's is lost with it.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qs

from control_plane.saml.keys import KeyPair, read_keys, write_keys
from control_plane.saml.question import Assertion, Question
from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.xml import LARGEST_ANSWER
from kit import logs
from kit.refusals import Kind, Refusal

LARGEST_FORM = 2 * LARGEST_ANSWER  # bytes: base64 takes a third more, and the form writes some of it as %2B
WITHIN_S = 5.0  # a usual answer takes 5 ms, the largest 100
WAITING = 200  # that are judged or wait for it; who comes then is sent away, before a request is used up

Q = TypeVar("Q")
T = TypeVar("T")

log = logs.get("saml")


class Busy(Refusal):
    """More sign-ins at once than can be judged in good time."""

    kind = Kind.UNAVAILABLE
    title = "Many people are signing in at the moment"
    detail = "Nothing is lost. Try again in a moment."
    retry_after_s = 3


@dataclass(frozen=True)
class Arrived:
    """What a browser carried here: the form's field, and the request that it says it answers."""

    answer: str = field(repr=False)
    request_id: str  # empty: none


class Judges:
    """A few processes that judge. To be closed."""

    def __init__(self, keys: Sequence[KeyPair], processes: int) -> None:
        self._keys = write_keys(keys)
        self._processes = processes
        self._waiting = 0
        self._begin()

    async def open(self, form: bytes) -> Arrived:
        """Read a form's answer as far as whose it says it is. Raises Refused, Busy."""
        return await self._run(_open, form)

    async def judge(self, question: Question) -> Assertion:
        """Whom an answer names. Raises Refused, Busy."""
        return await self._run(_judge, question)

    async def warm(self) -> None:
        """Return when the processes have loaded what they need."""
        await asyncio.wait([self._starting])

    def close(self) -> None:
        """End the processes, whatever they do."""
        self._starting.cancel()
        _end(self._pool)

    async def _run(self, work: Callable[[Q], T], given: Q) -> T:
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        try:
            await self.warm()
            pool = self._pool
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, work, given), WITHIN_S)
        except (TimeoutError, BrokenProcessPool) as error:
            log.error("an answer was given up", reason=type(error).__name__)
            self._replace(pool)
            raise Refused(Reason.TOO_SLOW) from None
        finally:
            self._waiting -= 1

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        """New processes in place of those, unless somebody was faster."""
        if self._pool is broken:
            self._begin()
            _end(broken)

    def _begin(self) -> None:
        """New processes; in a thread, since starting them is waiting."""
        self._pool = self._made()
        self._starting = asyncio.create_task(asyncio.to_thread(_start, self._pool, self._processes))

    def _made(self) -> ProcessPoolExecutor:
        # From a server that has no threads and has loaded everything once; its children share that memory.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["control_plane.saml.verifying"])
        return ProcessPoolExecutor(self._processes, context, _begin, (self._keys,))


def _start(pool: ProcessPoolExecutor, processes: int) -> None:
    with suppress(BrokenProcessPool, RuntimeError):  # what asks next finds it broken too, and says so
        wait([pool.submit(_ready, number) for number in range(processes)])


def _end(pool: ProcessPoolExecutor) -> None:
    children = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for child in children:
        child.kill()


# ---- in the other process

_ours: list[KeyPair] = []


def _begin(keys: str) -> None:
    _ours[:] = read_keys(keys)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ready(_: int) -> None:
    import control_plane.saml.verifying  # noqa: F401 - to have it loaded


def _open(form: bytes) -> Arrived:
    from control_plane.saml.verifying import says_it_answers

    try:
        fields = parse_qs(form.decode("ascii"), keep_blank_values=True, max_num_fields=10, encoding="ascii")
    except (ValueError, UnicodeError):
        raise Refused(Reason.NOT_BASE64) from None
    answers = fields.get("SAMLResponse", [])
    if len(answers) != 1:
        raise Refused(Reason.NOT_A_RESPONSE, f"{len(answers)} fields SAMLResponse")
    return Arrived(answers[0], says_it_answers(answers[0]))


def _judge(question: Question) -> Assertion:
    from control_plane.saml.verifying import verify

    return verify(question, _ours)
