"""The picture that stands for a recording in a list."""

from pathlib import Path

from cell.media.containers import Demuxer, sniff
from cell.media.errors import Unplayable
from cell.media.ffmpeg import reading
from cell.media.pictures import FULL_RANGE, drawn, keep_small, keyframes_every, size_of
from kit.marking import N_

WIDTH = 640
MAX_BYTES = 60_000
BLANK_BYTES = 4_000  # one colour has 1.6 kB at this size, the plainest desktop 8 kB
LOOKED_AT_S = 15
SHAPE = f"scale=w={WIDTH}:h={2 * WIDTH}:force_original_aspect_ratio=decrease:force_divisible_by=2,{FULL_RANGE}"


async def thumbnail(video: Path, out: Path, *, duration_ms: int) -> Path:
    """Write a JPEG of a final, 640 wide (a portrait at most 1,280 high) and 60 kB at most, to `out`; gives `out`.

    The most typical of the first keyframes, so that a black or empty beginning is passed over; where all of them are
    blank, or there is only one, a frame from later. Raises Unplayable when nothing can be decoded.
    """
    demuxer, length = sniff(video), duration_ms / 1000
    best, picture = 0, out.with_suffix(".candidate")
    for source, choice in _attempts(video, demuxer, length):
        try:
            await drawn([*source, "-an"], ["-vf", f"{choice}{SHAPE}"], picture)
        except Unplayable:
            continue
        if (size := size_of(picture)) > best:
            best = size
            picture.replace(out)
        if best > BLANK_BYTES:
            break
    picture.unlink(missing_ok=True)
    if not best:
        raise Unplayable(N_("Not one frame of this video can be shown."))
    return await keep_small(out, MAX_BYTES)


def _attempts(video: Path, demuxer: Demuxer, length: float) -> list[tuple[list[str], str]]:
    """Where to look, the cheapest first: ffmpeg's input, and the filter that chooses among its frames."""
    beginning = ["-t", str(LOOKED_AT_S), *keyframes_every(min(1.0, length / 10))]
    places = [min(1.0, length / 10), length / 4, length / 2, 0.0]
    exact = [(reading(video, demuxer, "-ss", f"{at:.3f}", "-t", "2"), "thumbnail=n=20,") for at in places]
    return [(reading(video, demuxer, *beginning, threads=1), "thumbnail=n=6,"), *exact]
