"""Answers of identity providers: how many a second one process believes, how long each takes, beside what others do.

The process is the real one, on a Redis of its own and with no control plane at all (loadtest/saml_region.py).
"""

import asyncio
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import quantiles

import psutil

from loadtest.bench.figures import Unmeasurable, figure
from loadtest.saml_region import Ready, Region, opened
from loadtest.saml_stock import Stock

WARM, AT_ONCE, STEADY = 40, 400, 500
CONNECTIONS = 16
OFFERED_PER_S = 100
_HELD = "cellcast_watched_longest_callback_seconds"
STOCK = 25  # answers that stock pysaml2 is given


@dataclass(frozen=True)
class Measured:
    """What one run showed."""

    per_s: float
    p99_ms: float
    longest_block_ms: float
    processor_ms: float  # of the processes that judge, for one answer


@figure("saml.acs_per_s", unit="/s", target=100, better="higher")
def acs_per_s() -> float:
    """Answers that one process takes to the end, response and assertion signed, as many at once as it likes."""
    return _measured().per_s


@figure("saml.acs_p99_ms", unit="ms", target=100, better="lower")
def acs_p99_ms() -> float:
    """From the post to the redirect with the code, while a hundred a second come whether others are done or not."""
    return _measured().p99_ms


@figure("saml.longest_block_ms", unit="ms", target=20, better="lower")
def longest_block_ms() -> float:
    """The most processor time for which one callback held the process's event loop (loadtest/watched.py)."""
    return _measured().longest_block_ms


@figure("saml.times_stock_pysaml2", unit="x", target=8, better="higher")
def times_stock_pysaml2() -> float:
    """Processor time for one answer: pysaml2 with the program xmlsec1, to that of the processes that judge.

    The same kind of answer in the same run; both look at the schema, too.
    """
    ours = _measured().processor_ms
    return _stock_processor_ms() / ours


@cache
def _measured() -> Measured:
    return asyncio.run(_run())


async def _run() -> Measured:
    with tempfile.TemporaryDirectory(prefix="saml-bench-") as folder:
        async with opened(Path(folder)) as region:
            await _at_once(region, await region.ready(WARM))
            ready = await region.ready(AT_ONCE)
            judges = psutil.Process(region.pid).children(recursive=True)
            before = _processor_s(judges)
            await region.metric(_HELD)  # what starting took
            per_s = await _at_once(region, ready)
            processor_ms = (_processor_s(judges) - before) / AT_ONCE * 1000
            took = await _steadily(region, await region.ready(STEADY))
            block = await region.metric(_HELD)
    return Measured(per_s, quantiles(took, n=100)[-1] * 1000, block * 1000, processor_ms)


async def _at_once(region: Region, ready: list[Ready]) -> float:
    """Answers a second, by so many connections one after the other."""
    left = iter(ready)

    async def connection() -> None:
        for one in left:
            await region.post(one)

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return len(ready) / (time.perf_counter() - began)


async def _steadily(region: Region, ready: list[Ready]) -> list[float]:
    """Seconds that each took, while so many a second come whether others are done or not."""
    begins = time.perf_counter() + 0.1

    async def at(moment: float, one: Ready) -> float:
        await asyncio.sleep(moment - time.perf_counter())
        await region.post(one)
        return time.perf_counter() - moment

    moments = [begins + number / OFFERED_PER_S for number in range(len(ready))]
    return await asyncio.gather(*(at(moment, one) for moment, one in zip(moments, ready, strict=True)))


def _processor_s(processes: list[psutil.Process]) -> float:
    return sum(one.cpu_times().user + one.cpu_times().system for one in processes)


def _stock_processor_ms() -> float:
    program = shutil.which("xmlsec1")
    if program is None:
        raise Unmeasurable("stock pysaml2 needs the program xmlsec1: apt-get install xmlsec1")
    with tempfile.TemporaryDirectory(prefix="saml-stock-") as folder:
        stock = Stock(Path(folder), program)
        answers = stock.answers(STOCK + 2)
        for _ in range(2):
            stock.believe(*answers.pop())
        before = _used_s()
        for one in answers:
            stock.believe(*one)
        return (_used_s() - before) / STOCK * 1000


def _used_s() -> float:
    """Processor time of this process and of those that it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
