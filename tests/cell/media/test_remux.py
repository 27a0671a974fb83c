"""What browsers and people send becomes a file that plays and seeks, or a reason an agent can read."""

import random
import re
from pathlib import Path

import pytest

from cell.media import Final, Unplayable, probe, remux
from tests.cell.media import formats
from tests.media_files import (
    AAC,
    H264,
    LIVE_WEBM,
    OPUS,
    VP8,
    VP9,
    chunks_of,
    encoded,
    encoded_file,
    recorded_mp4,
    recorded_webm,
)

SIZE = "320x180"
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1")
MKV = ("-f", "matroska")


async def final_of(content: bytes, folder: Path) -> Final:
    (folder / "joined").write_bytes(content)
    return await remux(folder / "joined", folder)


@pytest.mark.parametrize("video", [VP9, VP8])
async def test_a_browsers_webm_seeks_afterwards_and_is_not_converted(tmp_path: Path, video: tuple[str, ...]) -> None:
    recorded = b"".join(chunks_of(recorded_webm(7, SIZE, video=video), 7))
    final = await final_of(recorded, tmp_path)
    assert (final.path.name, final.media_type) == ("video.webm", "video/webm")
    assert (final.width, final.height) == (320, 180)
    assert abs(final.duration_ms - 7000) <= 100
    assert formats.webm_seeks(final.path)
    assert formats.packets(final.path, "v") == formats.packets(tmp_path / "joined", "v")
    assert formats.packets(final.path, "a") == formats.packets(tmp_path / "joined", "a")


async def test_safaris_mp4_seeks_afterwards_and_is_not_converted(tmp_path: Path) -> None:
    final = await final_of(recorded_mp4(6, SIZE), tmp_path)
    assert (final.path.name, final.media_type) == ("video.mp4", "video/mp4")
    assert abs(final.duration_ms - 6000) <= 100
    assert formats.mp4_seeks(final.path)
    assert formats.packets(final.path, "v") == formats.packets(tmp_path / "joined", "v")


# content, container, video codec, audio codec, whether the picture is the same as before
UPLOADS = {
    "av1": (encoded, (AV1, OPUS, LIVE_WEBM), "video.webm", "av1", "opus", True),
    "silent": (encoded, (VP9, ("-an",), LIVE_WEBM), "video.webm", "vp9", "", True),
    "h264 in mkv": (encoded, (H264, OPUS, MKV), "video.mp4", "h264", "opus", True),
    "h264 with pcm": (encoded, (H264, ("-c:a", "pcm_s16le"), MKV), "video.mp4", "h264", "aac", True),
    "vp9 with aac": (encoded, (VP9, AAC, MKV), "video.mp4", "vp9", "aac", True),
    "h264 4:4:4": (encoded, ((*H264[:-1], "yuv444p"), AAC, MKV), "video.mp4", "h264", "aac", False),
    "hevc": (encoded, (HEVC, AAC, MKV), "video.mp4", "h264", "aac", False),
    "mpeg-4": (encoded_file, ((".mp4",), ("-c:v", "mpeg4"), AAC), "video.mp4", "h264", "aac", False),
    "prores": (encoded_file, ((".mov",), ("-c:v", "prores"), ("-c:a", "pcm_s16le")), "video.mp4", "h264", "aac", False),
    "phone": (encoded_file, ((".mov",), H264, AAC), "video.mp4", "h264", "aac", True),
}


@pytest.mark.parametrize("kind", UPLOADS)
async def test_each_upload_becomes_playable_at_the_least_cost(tmp_path: Path, kind: str) -> None:
    make, options, name, video, audio, copied = UPLOADS[kind]
    words = [word for group in options for word in group]
    final = await final_of(make(3, SIZE, *words), tmp_path)
    media = await probe(final.path)
    assert (final.path.name, media.video_codec, media.audio_codec) == (name, video, audio)
    assert abs(final.duration_ms - 3000) <= 100
    assert (formats.packets(final.path, "v") == formats.packets(tmp_path / "joined", "v")) == copied
    assert media.video_codec != "h264" or media.pixels == "yuv420p"
    assert formats.webm_seeks(final.path) if name == "video.webm" else formats.mp4_seeks(final.path)


async def test_odd_and_large_pictures_are_converted_to_what_plays(tmp_path: Path) -> None:
    odd = await final_of(encoded(1, "321x181", "-c:v", "mjpeg", *AAC, *MKV), tmp_path)
    assert (odd.width, odd.height) in {(320, 180), (322, 182), (320, 182), (322, 180)}
    large = await final_of(encoded(0.2, "3840x2160", "-c:v", "mjpeg", *AAC, *MKV), tmp_path)
    assert (large.width, large.height) == (1920, 1080)


async def test_times_begin_at_zero(tmp_path: Path) -> None:
    late = encoded(3, SIZE, *VP9, *OPUS, "-output_ts_offset", "100", *LIVE_WEBM)
    (tmp_path / "late").write_bytes(late)
    assert formats.starts_at(tmp_path / "late") > 99
    final = await final_of(late, tmp_path)
    assert abs(formats.starts_at(final.path)) < 0.05
    assert abs(final.duration_ms - 3000) <= 100


async def test_a_phones_portrait_has_its_shown_size(tmp_path: Path) -> None:
    (tmp_path / "lying.mp4").write_bytes(encoded_file(1, SIZE, ".mp4", *H264, *AAC))
    standing = formats.turned(tmp_path / "lying.mp4", tmp_path / "standing.mp4")
    final = await remux(standing, tmp_path)
    assert (final.width, final.height) == (180, 320)


async def test_where_it_was_filmed_is_not_kept(tmp_path: Path) -> None:
    told = (
        "-metadata",
        "title=my-secret-title",
        "-metadata",
        "location=+48.1+011.5/",
        "-movflags",
        "use_metadata_tags",
    )
    upload = encoded_file(1, SIZE, ".mp4", *H264, *AAC, *told)
    assert b"my-secret-title" in upload
    final = await final_of(upload, tmp_path)
    assert b"my-secret-title" not in final.path.read_bytes()
    assert b"+48.1" not in final.path.read_bytes()


async def test_a_tab_that_died_loses_only_its_last_moment(tmp_path: Path) -> None:
    recorded = recorded_webm(10, SIZE)
    final = await final_of(recorded[: len(recorded) // 2], tmp_path)
    assert 4000 < final.duration_ms < 6000
    assert final.path.name == "video.webm"
    assert formats.webm_seeks(final.path)
    assert formats.decode_errors(final.path) == ""


async def test_half_of_safaris_recording_plays(tmp_path: Path) -> None:
    recorded = recorded_mp4(10, SIZE)
    final = await final_of(recorded[: len(recorded) // 2], tmp_path)
    assert 3000 < final.duration_ms < 7000
    assert formats.mp4_seeks(final.path)


@pytest.mark.parametrize("damage", ["zeroes", "a gap"])
async def test_a_recording_with_a_hole_plays_to_its_end(tmp_path: Path, damage: str) -> None:
    recorded = recorded_webm(10, SIZE)
    start, length = len(recorded) // 2, 20_000
    filling = bytes(length) if damage == "zeroes" else b""
    final = await final_of(recorded[:start] + filling + recorded[start + length :], tmp_path)
    assert abs(final.duration_ms - 10_000) <= 200
    assert formats.decode_errors(final.path) == ""


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [recorded_webm, recorded_mp4])
async def test_any_damage_ends_in_a_video_or_a_reason(tmp_path: Path, seed: int, make) -> None:  # type: ignore[no-untyped-def]
    chance, content = random.Random(seed), bytearray(make(2, SIZE))
    for _ in range(4 ** (seed % 4)):
        content[chance.randrange(len(content) if seed % 2 else 2000)] ^= 1 << chance.randrange(8)
    try:
        final = await final_of(bytes(content), tmp_path)
    except Unplayable as error:
        assert re.fullmatch(r"[A-Z].*\.", str(error))
    else:
        assert final.duration_ms > 0


REFUSED = {
    "empty": (b"", "empty"),
    "garbage": (random.Random(1).randbytes(10_000), "not a video in WebM"),
    "zeroes": (bytes(10_000), "not a video in WebM"),
    "text": (b"hello\n" * 100, "not a video in WebM"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "not a video in WebM"),
    "concat script": (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a video in WebM"),
    "a page": (b"<!doctype html><html></html>", "not a video in WebM"),
    "only the mark of WebM": (b"\x1a\x45\xdf\xa3" + b"#EXTM3U\nfile:///etc/passwd\n", "damaged"),
    "only the mark of MP4": (b"\0\0\0\x18ftypisom" + bytes(5000), "cut off before its index"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_video_is_refused_with_a_reason(tmp_path: Path, kind: str) -> None:
    content, reason = REFUSED[kind]
    with pytest.raises(Unplayable, match=reason) as refused:
        await final_of(content, tmp_path)
    assert str(tmp_path) not in str(refused.value)


async def test_a_file_without_its_index_is_refused(tmp_path: Path) -> None:
    upload = encoded_file(2, SIZE, ".mp4", *H264, *AAC)
    with pytest.raises(Unplayable, match="cut off before its index"):
        await final_of(upload[: len(upload) // 2], tmp_path)


async def test_a_missing_beginning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unplayable, match="beginning is missing"):
        await final_of(recorded_webm(2, SIZE)[5000:], tmp_path)


async def test_a_header_without_a_frame_is_refused(tmp_path: Path) -> None:
    recorded = recorded_webm(2, SIZE)
    header = recorded[: recorded.index(formats.CLUSTER.to_bytes(4, "big"))]
    with pytest.raises(Unplayable):
        await final_of(header, tmp_path)


async def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unplayable, match="no picture"):
        await final_of(encoded(1, SIZE, "-vn", *OPUS, *LIVE_WEBM), tmp_path)


async def test_a_codec_nobody_needs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unplayable, match="format that browsers do not record"):
        await final_of(encoded(1, SIZE, "-c:v", "snow", "-strict", "-2", *AAC, *MKV), tmp_path)
