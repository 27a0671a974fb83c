"""Footage for benchmarks and load: a WebM as browsers' recorders write it, in chunks of about a second."""

import subprocess
from functools import cache

import imageio_ffmpeg

SOURCE_S = 20  # encoded once, then repeated as it is


@cache
def webm(seconds: int, *, width: int = 1280, height: int = 720, kilobits: int = 2000) -> bytes:
    """Footage of `seconds`, streamed: without a duration and without cues, as MediaRecorder leaves it."""
    once = _ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size={width}x{height}:rate=25:duration={SOURCE_S}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={SOURCE_S}"),
        *("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-b:v", f"{kilobits}k", "-g", "50"),
        *("-c:a", "libopus", "-b:a", "64k", "-f", "matroska", "-"),
    )
    repeats = ("-stream_loop", str(-(-seconds // SOURCE_S) - 1))
    live = ("-f", "webm", "-live", "1", "-cluster_time_limit", "1000")
    return _ffmpeg(
        *repeats, "-f", "matroska", "-i", "cache:pipe:0", "-t", str(seconds), "-c", "copy", *live, "-", fed=once
    )


def chunks(footage: bytes, count: int) -> list[bytes]:
    """Cut footage into `count` chunks of the same length, wherever that falls: a recorder's are no units either."""
    size = -(-len(footage) // count)
    return [footage[at : at + size] for at in range(0, len(footage), size)]


def _ffmpeg(*arguments: str, fed: bytes | None = None) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin" if fed is None else "-hide_banner", "-loglevel", "error"]
    done = subprocess.run([*command, *arguments], input=fed, capture_output=True, timeout=300, check=True)  # noqa: S603
    return done.stdout
