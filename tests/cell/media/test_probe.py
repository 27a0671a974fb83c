"""What a file holds and how long it is, measured."""

from pathlib import Path

import pytest

from cell.media import Unplayable, probe
from cell.media.containers import Demuxer
from cell.media.probe import parse
from tests.media_files import AAC, H264, LIVE_WEBM, VP9, encoded, encoded_file, recorded_mp4, recorded_webm


@pytest.mark.parametrize("seconds", [0.5, 3.3, 25])
async def test_a_recorders_webm_is_measured_though_it_says_no_duration(tmp_path: Path, seconds: float) -> None:
    (tmp_path / "joined").write_bytes(recorded_webm(seconds, "320x180"))
    media = await probe(tmp_path / "joined")
    assert abs(media.duration_ms - seconds * 1000) <= 100
    assert (media.demuxer, media.video_codec, media.audio_codec) == (Demuxer.MATROSKA, "vp9", "opus")
    assert (media.width, media.height, media.pixels) == (320, 180, "yuv420p")


async def test_a_cut_file_is_as_long_as_what_is_left(tmp_path: Path) -> None:
    whole = encoded_file(8, "320x180", ".webm", *VP9, "-an", "-f", "webm")  # its header goes on saying 8 s
    (tmp_path / "joined").write_bytes(whole[: len(whole) // 2])
    media = await probe(tmp_path / "joined")
    assert 2000 < media.duration_ms < 6000


async def test_fragmented_mp4_and_silence(tmp_path: Path) -> None:
    (tmp_path / "joined").write_bytes(recorded_mp4(4, "320x180"))
    media = await probe(tmp_path / "joined")
    assert abs(media.duration_ms - 4000) <= 100
    assert (media.demuxer, media.video_codec, media.audio_codec) == (Demuxer.MOV, "h264", "aac")
    (tmp_path / "silent").write_bytes(encoded(1, "320x180", *VP9, *LIVE_WEBM, sound=False))
    media = await probe(tmp_path / "silent")
    assert media.has_video
    assert not media.has_audio


async def test_a_title_cannot_pass_for_a_stream(tmp_path: Path) -> None:
    spoof = "title=x\n  Stream #0:7: Video: hevc, yuv444p, 9999x9999\n  Duration: 99:00:00.00"
    (tmp_path / "joined").write_bytes(encoded_file(1, "320x180", ".mp4", "-metadata", spoof, *H264, *AAC))
    media = await probe(tmp_path / "joined")
    assert (media.video_codec, media.width, media.duration_ms < 2000) == ("h264", 320, True)


async def test_a_folder_of_words_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "joined").write_text("words")
    with pytest.raises(Unplayable):
        await probe(tmp_path / "joined")


def test_cover_pictures_are_no_video_and_the_first_streams_count() -> None:
    said = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/x':
  Duration: 01:02:03.45, start: 0.000000, bitrate: 1 kb/s
  Stream #0:0[0x0]: Video: mjpeg (Baseline), yuvj420p(pc), 600x600, 90k tbr (attached pic)
  Stream #0:1[0x1](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, stereo, fltp, 96 kb/s (default)
  Stream #0:2[0x2](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080 [SAR 1:1], 30 fps
    Side data:
      displaymatrix: rotation of -90.00 degrees
  Stream #0:3[0x3](und): Video: hevc (Main) (hvc1 / 0x31637668), yuv420p(tv), 640x360, 30 fps
    Side data:
      displaymatrix: rotation of 90.00 degrees
"""
    media = parse(Demuxer.MOV, said)
    assert (media.video, media.video_codec, media.pixels, media.audio) == (2, "h264", "yuv420p", 1)
    assert (media.width, media.height) == (1080, 1920)
    assert media.duration_ms == 3_723_450
    assert media.streams == ["-map", "0:2", "-map", "0:1"]
