"""The picture in the list shows something."""

from pathlib import Path

import pytest

from cell.media import Unplayable, remux, thumbnail
from cell.media.thumbnail import MAX_BYTES
from tests.cell.media import formats
from tests.media_files import H264, LIVE_MP4, LIVE_WEBM, VP9, encoded, recorded_webm


async def picture_of(content: bytes, folder: Path) -> Path:
    (folder / "joined").write_bytes(content)
    final = await remux(folder / "joined", folder)
    return await thumbnail(final.path, folder / "thumbnail.jpg", duration_ms=final.duration_ms)


@pytest.mark.parametrize("seconds", [0.3, 5])
async def test_a_recordings_picture(tmp_path: Path, seconds: float) -> None:
    picture = await picture_of(recorded_webm(seconds, "640x360"), tmp_path)
    assert formats.jpeg_size(picture) == (640, 360)
    assert 4_000 < picture.stat().st_size <= MAX_BYTES
    assert formats.names(tmp_path, "thumbnail*") == ["thumbnail.jpg"]


@pytest.mark.parametrize("keyframes", ["30", "1000"])
async def test_a_black_beginning_is_passed_over(tmp_path: Path, keyframes: str) -> None:
    dark = "fade=in:start_time=2.5:duration=0.1"
    content = encoded(8, "320x180", *H264, "-g", keyframes, "-sc_threshold", "0", *LIVE_MP4, filters=dark, sound=False)
    assert formats.brightness(await picture_of(content, tmp_path)) > 60


async def test_what_is_all_black_has_a_picture_too(tmp_path: Path) -> None:
    content = encoded(3, "320x180", *VP9, *LIVE_WEBM, filters="drawbox=t=fill:color=black", sound=False)
    assert formats.brightness(await picture_of(content, tmp_path)) < 20


async def test_a_portrait_is_not_stretched_and_noise_stays_small(tmp_path: Path) -> None:
    noise = encoded(1, "360x640", *H264, "-crf", "1", *LIVE_MP4, filters="noise=alls=100:allf=t", sound=False)
    picture = await picture_of(noise, tmp_path)
    assert formats.jpeg_size(picture) == (640, 1138)
    assert picture.stat().st_size <= 3 * MAX_BYTES  # pure noise at the lowest quality


async def test_what_does_not_decode_is_said(tmp_path: Path) -> None:
    (tmp_path / "video.webm").write_bytes(recorded_webm(1, "320x180")[:600])
    with pytest.raises(Unplayable):
        await thumbnail(tmp_path / "video.webm", tmp_path / "thumbnail.jpg", duration_ms=1000)
