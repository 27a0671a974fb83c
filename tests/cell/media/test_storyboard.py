"""The pictures over the seek bar: in one small file, and each at its time."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from cell.media import Final, Storyboard, Unplayable, remux, storyboard
from cell.media.storyboard import MAX_BYTES, cues
from tests.cell.media import formats
from tests.media_files import H264, LIVE_MP4, encoded, recorded_webm


async def board_of(content: bytes, folder: Path) -> tuple[Final, Storyboard, list[tuple[float, float, list[int]]]]:
    (folder / "joined").write_bytes(content)
    final = await remux(folder / "joined", folder)
    board = await storyboard(final, folder)
    found = re.findall(r"(\S+) --> (\S+)\nstoryboard\.jpg#xywh=([\d,]+)\n", board.vtt.read_text())
    return final, board, [(seconds(a), seconds(b), [int(n) for n in xywh.split(",")]) for a, b, xywh in found]


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


async def test_tiles_cover_the_whole_recording_in_order(tmp_path: Path) -> None:
    final, board, tiles = await board_of(recorded_webm(12, "320x180"), tmp_path)
    assert len(tiles) == 6  # every 2 s
    assert tiles[0][0] == 0
    assert abs(tiles[-1][1] - final.duration_ms / 1000) < 0.01
    assert all(one[1] == other[0] for one, other in pairwise(tiles))
    assert [place for _, _, place in tiles] == [[160 * at, 0, 160, 90] for at in range(6)]
    assert formats.jpeg_size(board.sprite) == (960, 90)
    assert all(formats.differences(board.sprite, (160, 90), 6))


async def test_a_long_recording_has_at_most_a_hundred_tiles(tmp_path: Path) -> None:
    final, board, tiles = await board_of(recorded_webm(600, "160x90", 100), tmp_path)
    assert abs(final.duration_ms - 600_000) <= 100
    assert 95 <= len(tiles) <= 100
    assert formats.jpeg_size(board.sprite) == (1600, 900)
    assert board.sprite.stat().st_size <= MAX_BYTES
    assert all(x + w <= 1600 and y + h <= 900 for _, _, (x, y, w, h) in tiles)


async def test_rare_keyframes_are_made_up_for(tmp_path: Path) -> None:
    content = encoded(10, "320x180", *H264, "-g", "1000", "-sc_threshold", "0", *LIVE_MP4)
    _, board, tiles = await board_of(content, tmp_path)
    assert len(tiles) == 5
    assert [round(start) for start, _, _ in tiles] == [0, 2, 4, 6, 8]
    assert all(formats.differences(board.sprite, (160, 90), 5))
    assert formats.names(tmp_path, "storyboard*") == ["storyboard.jpg", "storyboard.vtt"]


@pytest.mark.parametrize(("size", "tile"), [("180x320", [160, 284]), ("64x1024", [18, 284]), ("1024x64", [160, 10])])
async def test_any_shape(tmp_path: Path, size: str, tile: list[int]) -> None:
    content = encoded(1, size, *H264, *LIVE_MP4)
    _, board, tiles = await board_of(content, tmp_path)
    assert [place for _, _, place in tiles] == [[0, 0, *tile]]
    assert formats.jpeg_size(board.sprite) == tuple(tile)


async def test_what_does_not_decode_is_said(tmp_path: Path) -> None:
    (tmp_path / "video.webm").write_bytes(recorded_webm(1, "320x180")[:600])
    with pytest.raises(Unplayable):
        await storyboard(Final(tmp_path / "video.webm", "video/webm", 1000, 320, 180), tmp_path)


def test_times_as_web_players_read_them() -> None:
    text = cues([0.5, 3_601.5], 3_603_250, (160, 90))
    assert "00:00:00.000 --> 01:00:01.500\nstoryboard.jpg#xywh=0,0,160,90\n" in text
    assert "01:00:01.500 --> 01:00:03.250\nstoryboard.jpg#xywh=160,0,160,90\n" in text
    assert text.startswith("WEBVTT\n\n")
