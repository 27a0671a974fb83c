"""The door to ffmpeg: limits that hold, and nothing left behind."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from cell.media.ffmpeg import GIB, Limits, run
from tests.waiting import until

ENDLESS = ("-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=5")


def running(mark: str) -> list[int]:
    """The processes that have the mark in their command line."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if any(mark in word for word in process.info["cmdline"] or []):
            found.append(process.pid)
    return found


def is_ffmpeg(processes: Iterable[int]) -> bool:
    """Whether one of them has become ffmpeg: for a moment each is still its launcher."""
    return any("ffmpeg" in psutil.Process(pid).name() for pid in processes)


@pytest.fixture
def mark() -> str:
    return f"mark={secrets.token_hex(8)}"


async def test_success_and_failure_are_told_apart() -> None:
    ran = await run(["-f", "lavfi", "-i", "testsrc2=s=64x64", "-t", "0.2", "-f", "null", "-"], Limits(20))
    assert ran.code == 0
    ran = await run(["-i", "/nowhere"], Limits(20))
    assert ran.code != 0
    assert "No such file" in ran.said


async def test_out_of_time_it_is_killed(mark: str) -> None:
    with pytest.raises(TimeoutError):
        await run([*ENDLESS, "-metadata", mark, "-f", "null", "-"], Limits(seconds=0.5))
    assert running(mark) == []


async def test_cancelled_it_is_killed(mark: str) -> None:
    task = asyncio.create_task(run([*ENDLESS, "-metadata", mark, "-f", "null", "-"], Limits(60)))
    await asyncio.to_thread(until, lambda: running(mark) != [], 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running(mark) == []


def test_it_does_not_outlive_a_killed_worker(mark: str) -> None:
    code = f"""
import asyncio
from cell.media.ffmpeg import Limits, run
asyncio.run(run({[*ENDLESS, "-metadata", mark, "-f", "null", "-"]!r}, Limits(60)))
"""
    worker = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: is_ffmpeg(pid for pid in running(mark) if pid != worker.pid), 20)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    until(lambda: running(mark) == [], 5)


async def test_memory_is_limited() -> None:
    big = ["-f", "lavfi", "-i", "color=s=8000x8000,reverse", "-t", "4", "-f", "null", "-"]  # keeps all frames: 9 GB
    ran = await run(big, Limits(60, memory=GIB))
    assert ran.code != 0


async def test_what_it_writes_is_limited(tmp_path: Path) -> None:
    out = tmp_path / "out"
    raw = ["-f", "lavfi", "-i", "testsrc2=s=640x360", "-t", "5", "-f", "rawvideo", str(out)]
    ran = await run(raw, Limits(30, written=1_000_000))
    assert ran.code != 0
    assert out.stat().st_size <= 1_000_000


async def test_what_it_says_is_bounded() -> None:
    noisy = ["-f", "lavfi", "-i", "testsrc2=s=16x16:r=1000,showinfo", "-t", "5", "-f", "null", "-"]  # 1 MB
    ran = await run(noisy, Limits(60))
    assert ran.code == 0
    assert 100_000 < len(ran.said) <= 256 * 1024


async def test_it_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    monkeypatch.setenv("CELLCAST_CELL_MASTER_KEY", "secret")
    task = asyncio.create_task(run([*ENDLESS, "-metadata", mark, "-f", "null", "-"], Limits(60)))
    await asyncio.to_thread(until, lambda: is_ffmpeg(running(mark)), 20)
    assert "CELLCAST_CELL_MASTER_KEY" not in psutil.Process(running(mark)[0]).environ()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
