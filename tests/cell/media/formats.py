"""Reads WebM, MP4 and JPEG files without the code under test: what stands where in them."""

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from cell.media.ffmpeg import program

SEGMENT, INFO, CUES, CLUSTER, DURATION = 0x18538067, 0x1549A966, 0x1C53BB6B, 0x1F43B675, 0x4489


def elements(content: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Id, begin and end of the content of each EBML element of one level (RFC 8794)."""
    end = len(content) if end is None else end
    while start < end:
        number, start = _vint(content, start, keep_marker=True)
        size, start = _vint(content, start, keep_marker=False)
        yield number, start, start + size
        start += size


def _vint(content: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    length = 9 - content[at].bit_length()
    value = int.from_bytes(content[at : at + length], "big")
    return value if keep_marker else value & ~(1 << 7 * length), at + length


def webm_seeks(path: Path) -> bool:
    """Whether cues stand before the first cluster, and a duration in the header."""
    content = path.read_bytes()
    start, end = next((start, end) for number, start, end in elements(content) if number == SEGMENT)
    order = list(elements(content, start, end))
    numbers = [number for number, _, _ in order]
    info = next((start, end) for number, start, end in order if number == INFO)
    has_duration = any(number == DURATION for number, _, _ in elements(content, *info))
    return has_duration and CUES in numbers and numbers.index(CUES) < numbers.index(CLUSTER)


def mp4_seeks(path: Path) -> bool:
    """Whether the index stands before the media."""
    content, at, order = path.read_bytes(), 0, []
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        order.append(content[at + 4 : at + 8])
        at += size
    return order.index(b"moov") < order.index(b"mdat")


def jpeg_size(path: Path) -> tuple[int, int]:
    """Width and height from the frame header (ITU-T T.81, SOF0)."""
    found = re.search(rb"\xff\xc0..\x08(..)(..)", path.read_bytes(), re.DOTALL)
    assert found
    return int.from_bytes(found[2], "big"), int.from_bytes(found[1], "big")


def brightness(picture: Path) -> float:
    """The mean of the grey values, 0 to 255."""
    grey = _ffmpeg("-i", str(picture), "-vf", "format=gray", "-f", "rawvideo", "pipe:1").stdout
    return sum(grey) / len(grey)


def differences(picture: Path, tile: tuple[int, int], count: int) -> list[bool]:
    """Whether each of a sprite's first row of tiles differs from the one before."""
    crops = [f"crop={tile[0]}:{tile[1]}:{tile[0] * at}:0,format=gray" for at in range(count)]
    tiles = [_ffmpeg("-i", str(picture), "-vf", crop, "-f", "rawvideo", "pipe:1").stdout for crop in crops]
    return [one != other for one, other in pairwise(tiles)]


def packets(path: Path, stream: str) -> bytes:
    """A hash of a stream's packets: the same before and after a copy."""
    return _ffmpeg("-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "md5", "pipe:1").stdout


def starts_at(path: Path) -> float:
    """The time of the first packet, in seconds."""
    found = re.search(r"start: (-?[\d.]+)", _ffmpeg("-i", str(path)).stderr.decode())
    assert found
    return float(found[1])


def decode_errors(path: Path) -> str:
    """What a decoder complains about."""
    return _ffmpeg("-v", "error", "-i", str(path), "-f", "null", "-").stderr.decode()


def turned(video: Path, to: Path) -> Path:
    """The same video with a note to players to turn it by 90 degrees, as a phone held upright writes."""
    done = _ffmpeg("-display_rotation", "90", "-i", str(video), "-c", "copy", str(to))
    assert done.returncode == 0
    return to


def names(folder: Path, pattern: str) -> list[str]:
    """The names of the files in a folder that fit the pattern."""
    return sorted(path.name for path in folder.glob(pattern))


def _ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program(), "-nostdin", "-hide_banner", *arguments], capture_output=True, check=False)
