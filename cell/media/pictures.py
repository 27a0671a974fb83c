"""What thumbnail and storyboard share: keyframes taken without decoding the rest, and JPEGs kept small."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cell.media.errors import unplayable
from cell.media.ffmpeg import Limits, local, run

ENCODE = Limits(seconds=30)
TO_JPEG = ("-fps_mode", "passthrough", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "5", "-f", "image2", "-update", "1")
FULL_RANGE = "format=yuvj420p"  # what JPEG is; without it the encoder refuses
ONE = ("-filter_threads", "1")  # a few small frames: threads would cost more than they do
QUALITIES = (9, 16, 31)  # of mjpeg, 31 is the lowest


def keyframes_every(seconds: float) -> list[str]:
    """Input options that let only keyframes through to the decoder, the first and then one every so many seconds.

    The packets between are dropped before decoding (ffmpeg-bitstream-filters, `noise`; `ld(0)` is when the next is
    wanted): 1 s for 10 min of VP9, where `-skip_frame nokey`, which that decoder does not know, took 40 s.
    """
    drop = f"if(not(key)+lt(pts*tb\\,ld(0))\\,1\\,0*st(0\\,pts*tb+{seconds:.3f}))"
    return ["-bsf:v", f"noise=drop='{drop}'"]


def size_of(picture: Path) -> int:
    """Bytes of a file; 0 when there is none."""
    return picture.stat().st_size if picture.exists() else 0


async def keep_small(picture: Path, limit: int) -> Path:
    """Encode a JPEG again, coarser, until it has at most `limit` bytes or nothing more can be done."""
    for quality in QUALITIES:
        if size_of(picture) <= limit:
            break
        coarser = picture.with_suffix(".coarser")
        await drawn(["-f", "image2", "-i", local(picture)], ["-q:v", str(quality)], coarser)
        await asyncio.to_thread(coarser.replace, picture)
    return picture


async def drawn(source: Sequence[str], options: Sequence[str], to: Path, limits: Limits = ENCODE) -> str:
    """Make one JPEG; what ffmpeg answered on stdout. Raises Unplayable when not one frame came."""
    await asyncio.to_thread(to.unlink, missing_ok=True)
    ran = await run(["-v", "error", *ONE, *source, *TO_JPEG, *options, local(to)], limits)
    if not size_of(to):
        raise unplayable(ran.said)
    return ran.answered
