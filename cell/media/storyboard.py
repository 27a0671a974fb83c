"""The small pictures over the seek bar: one sprite, and a WebVTT file that says which tile shows which seconds."""

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cell.media.containers import sniff
from cell.media.errors import Unplayable
from cell.media.ffmpeg import Limits, reading
from cell.media.pictures import FULL_RANGE, drawn, keep_small, keyframes_every
from cell.media.remux import Final
from kit.marking import N_

TILES = 100
COLUMNS = 10
TILE_WIDTH, TILE_HEIGHT = 160, 284  # at most; a phone's portrait is 160 x 284
LEAST_STEP_S = 2.0  # the recorder asks browsers for a keyframe as often
MAX_BYTES = 600_000
KEYFRAMES = Limits(seconds=120)
EVERY_FRAME = Limits(seconds=180)

_SHOWN_AT = re.compile(r"pts_time:(\d+(?:\.\d+)?)")
_REPORT = "metadata=add:key=tile:value=1,metadata=print:key=tile:file=-"  # the time of each frame, on stdout


@dataclass(frozen=True, slots=True)
class Storyboard:
    """`sprite` is a JPEG of tiles, ten a row; `vtt` names them by `storyboard.jpg#xywh=` (W3C media fragments)."""

    sprite: Path
    vtt: Path


async def storyboard(final: Final, out_dir: Path) -> Storyboard:
    """Write `storyboard.jpg` (600 kB at most) and `storyboard.vtt`: 100 tiles at most, 2 s or more apart.

    From keyframes where they are dense enough (1 s for 10 min), else by decoding all of it, in bounded time.
    Raises Unplayable when nothing can be decoded.
    """
    length_s = final.duration_ms / 1000
    step = max(LEAST_STEP_S, length_s / TILES)
    wanted = max(1, min(TILES, round(length_s / step)))
    tile, sprite = _tile(final), out_dir / "storyboard.jpg"
    times = await _from_keyframes(final, sprite, step, wanted)
    if len(times) < wanted / 2:
        times = await _from_every_frame(final, sprite, step, wanted) or times
    if not times:
        raise Unplayable(N_("Not one frame of this video can be shown."))
    await keep_small(sprite, MAX_BYTES)
    vtt = out_dir / "storyboard.vtt"
    vtt.write_text(cues(times, final.duration_ms, tile), encoding="utf-8")
    return Storyboard(sprite, vtt)


def cues(times: list[float], duration_ms: int, tile: tuple[int, int]) -> str:
    """WebVTT in which tile i is shown from its own time to the next one's; the first from 0, the last to the end."""
    edges = [0, *(round(time * 1000) for time in times[1:])]
    edges.append(max(duration_ms, edges[-1] + 1))
    width, height = tile
    lines = ["WEBVTT", ""]
    for number, (start, end) in enumerate(pairwise(edges)):
        x, y = number % COLUMNS * width, number // COLUMNS * height
        lines += [f"{_clock(start)} --> {_clock(end)}", f"storyboard.jpg#xywh={x},{y},{width},{height}", ""]
    return "\n".join(lines)


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _tile(final: Final) -> tuple[int, int]:
    """Width and height of a tile in the video's shape, even numbers."""
    shrink = min(TILE_WIDTH / max(final.width, 1), TILE_HEIGHT / max(final.height, 1))
    return max(2, round(final.width * shrink / 2) * 2), max(2, round(final.height * shrink / 2) * 2)


async def _from_keyframes(final: Final, sprite: Path, step: float, wanted: int) -> list[float]:
    source = reading(final.path, sniff(final.path), *keyframes_every(step), threads=1)
    return await _sprite(source, final, sprite, wanted, "", KEYFRAMES)


async def _from_every_frame(final: Final, sprite: Path, step: float, wanted: int) -> list[float]:
    choice = f"select='isnan(prev_selected_t)+gte(t-prev_selected_t,{step:.3f})',"
    candidate, source = sprite.with_suffix(".candidate"), reading(final.path, sniff(final.path))
    try:
        times = await _sprite(source, final, candidate, wanted, choice, EVERY_FRAME)
    except TimeoutError:
        times = []
    if times:
        candidate.replace(sprite)
    candidate.unlink(missing_ok=True)
    return times


async def _sprite(source: list[str], final: Final, to: Path, wanted: int, choice: str, limits: Limits) -> list[float]:
    """Draw the chosen frames as tiles into `to`; when each is shown, in seconds. None if nothing decodes."""
    width, height = _tile(final)
    columns, rows = min(COLUMNS, wanted), math.ceil(wanted / COLUMNS)
    draw = f"{choice}{_REPORT},scale={width}:{height},setsar=1,tile={columns}x{rows},{FULL_RANGE}"
    try:
        said = await drawn([*source, "-map", "0:V:0"], ["-vf", draw], to, limits)
    except Unplayable:
        return []
    return [float(time) for time in _SHOWN_AT.findall(said)][:wanted]
