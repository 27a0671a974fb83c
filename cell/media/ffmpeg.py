"""The one door to ffmpeg: every run has limits on time, memory, output, and on what a file may make it open."""

import asyncio
import errno
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from cell.media.containers import DECODERS, Demuxer

GIB = 1024**3
CAPTURED = 128 * 1024  # of what ffmpeg says: this much from the beginning and as much from the end
THREADS = 4  # of decoders and encoders: more would cost memory on large machines and gain little
NICENESS = 5  # behind the processes that answer people

# The limits stand before ffmpeg's first line runs. A function between fork and exec would not be safe in a process with
# threads (subprocess, `preexec_fn`), and a Python of its own takes 40 ms of processor time where the shell takes 3.
_LIMITED = """ulimit -c 0 && ulimit -v "$1" && ulimit -f "$2" && ulimit -t "$3" && shift 3 && exec "$@\""""
_FILE_BLOCK = 512  # what `ulimit -f` counts in (POSIX)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may take."""

    seconds: float  # of the clock; CPU time is limited to the same per thread
    memory: int = 3 * GIB  # address space; x264 of 1080p reserves 1.2 GiB with four threads
    written: int = 16 * GIB  # bytes of a file: twice the largest upload


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: `code` 0 is success; `said` is stderr, `answered` stdout, both cut in the middle if long."""

    code: int
    said: str
    answered: str


def reading(path: Path, demuxer: Demuxer, *options: str, threads: int = THREADS) -> list[str]:
    """The arguments that open a recording. Nothing in the file chooses the format, a decoder, or another file.

    Playlists, concatenation scripts and network addresses are thereby no inputs: the demuxer is forced by what the
    file's first bytes are, and only the protocol `file` is open to it (ffmpeg-protocols, `protocol_whitelist`).
    """
    safety = ["-protocol_whitelist", "file", "-codec_whitelist", ",".join(DECODERS), "-max_pixels", str(8192 * 4352)]
    return [*safety, "-threads", str(threads), *options, "-f", demuxer, "-i", local(path)]


def local(path: Path) -> str:
    """A path as ffmpeg takes it without looking for a protocol or a pattern in it."""
    return f"file:{path.absolute()}"


async def run(arguments: Sequence[str], limits: Limits) -> Ran:
    """Run ffmpeg to its end. Cancelled or out of time, it is killed with all it started.

    Raises TimeoutError, and OSError when the disk is full: both may go better another time.
    """
    processor_s = int(limits.seconds * THREADS) + 1
    bounds = [str(limits.memory // 1024), str(limits.written // _FILE_BLOCK), str(processor_s)]
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", _LIMITED, "limited", *bounds),
        *(*_behind_and_with_us(), program(), "-nostdin", "-hide_banner", "-y", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"MALLOC_ARENA_MAX": "2", "LC_ALL": "C"},  # nothing of ours, which holds passwords
        # A group, to be killed as one, but no session: Linux shares processors among sessions first (sched(7), "The
        # autogroup feature"), where each ffmpeg would count as much as the process that answers people.
        process_group=0,
    )
    try:
        async with asyncio.timeout(limits.seconds):
            said, answered, code = await asyncio.gather(
                _bounded(process.stderr), _bounded(process.stdout), process.wait()
            )
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if "No space left on device" in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return Ran(code, said, answered)


async def _bounded(stream: asyncio.StreamReader | None) -> str:
    """All that comes, of which the beginning and the end are kept: a damaged file can make ffmpeg say gigabytes."""
    assert stream is not None
    first, last = b"", b""
    while piece := await stream.read(64 * 1024):
        room = CAPTURED - len(first)
        first, last = first + piece[:room], (last + piece[max(room, 0) :])[-CAPTURED:]
    return (first + last).decode("utf-8", "replace")


@cache
def _behind_and_with_us() -> tuple[str, ...]:
    """What makes a program nice, and has the kernel end it with its parent where util-linux is there (prctl(2))."""
    setpriv = shutil.which("setpriv")
    nice = shutil.which("nice") or "nice"
    return (nice, "-n", str(NICENESS), *((setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()))


@cache
def program() -> str:
    """The path of the static ffmpeg that comes as a package."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())
