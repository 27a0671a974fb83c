"""Small real video files, as browsers, phones and accidents make them. Needs nothing but ffmpeg."""

import subprocess
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

from cell.media.ffmpeg import program

BASE_SECONDS = 20  # what is really encoded; longer files repeat it, which costs a copy
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1", "-tile-columns", "2")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
OPUS = ("-c:a", "libopus", "-b:a", "64k")
AAC = ("-c:a", "aac", "-b:a", "96k")
# MediaRecorder's way: clusters of about a second and of unknown size, no duration, no cues; written to a pipe, which
# nobody can seek back in.
LIVE_WEBM = ("-f", "webm", "-live", "1", "-cluster_time_limit", "1000")
LIVE_MP4 = ("-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4")


@cache
def recorded_webm(seconds: float, size: str = "320x180", bitrate_k: int = 300, video: tuple[str, ...] = VP9) -> bytes:
    """What a browser records: WebM without duration and cues, VP9 (or `VP8`) with a keyframe every 2 s, and Opus.

    600 s of "1280x720" at 2,500 kbit/s: 229 MB, 10 s of CPU.
    """
    rate = ("-b:v", f"{bitrate_k}k", "-g", "60")
    base = encoded(min(seconds, BASE_SECONDS), size, *video, *rate, *OPUS, *LIVE_WEBM)
    if seconds <= BASE_SECONDS:
        return base
    with tempfile.NamedTemporaryFile(suffix=".webm") as file:
        file.write(base)
        file.flush()
        return _piped("-stream_loop", "-1", "-i", file.name, "-t", str(seconds), "-c", "copy", *LIVE_WEBM)


@cache
def recorded_mp4(seconds: float, size: str = "320x180") -> bytes:
    """What Safari records: fragmented MP4, H.264 and AAC, a fragment a second."""
    return encoded(seconds, size, *H264, "-g", "30", *AAC, *LIVE_MP4)


@cache
def encoded(
    seconds: float, size: str, *options: str, filters: str = "noise=alls=12:allf=t", sound: bool = True
) -> bytes:
    """A test picture with a tone, in any codecs and container that can be written to a pipe."""
    tone = ("-f", "lavfi", "-i", "sine=f=440:r=48000") if sound else ()
    return _piped("-f", "lavfi", "-i", f"testsrc2=s={size}:r=30,{filters}", *tone, "-t", str(seconds), *options)


@cache
def encoded_file(seconds: float, size: str, suffix: str, *options: str) -> bytes:
    """The same for what ffmpeg must seek in while it writes (MP4 with its index behind, MOV)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        source = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=30", "-f", "lavfi", "-i", "sine=f=440:r=48000"]
        _ffmpeg(*source, "-t", str(seconds), *options, str(path))
        return path.read_bytes()


def sound(video: Path) -> bytes:
    """The packets of a video's sound, one after the other, as they are in it."""
    return _piped("-i", str(video), "-map", "0:a", "-c", "copy", "-f", "data")


def chunks_of(content: bytes, count: int) -> list[bytes]:
    """The content in `count` pieces of about the same length, as a recorder's time slices are."""
    edges = [len(content) * number // count for number in range(count + 1)]
    return [content[start:end] for start, end in pairwise(edges)]


def _piped(*arguments: str) -> bytes:
    return _ffmpeg(*arguments, "pipe:1")


def _ffmpeg(*arguments: str) -> bytes:
    command = [program(), "-nostdin", "-v", "error", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
