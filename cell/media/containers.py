"""What files may be, and what browsers play: the tables that decide what happens to a recording."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cell.media.errors import Unplayable
from kit.marking import N_


class Demuxer(StrEnum):
    """The readers of ffmpeg that are open to files from outside."""

    MATROSKA = "matroska"  # WebM too
    MOV = "mov"  # MP4, M4V, 3GP too


# ffmpeg's decoders that a file may ask for. Browsers record the first two lines; the rest is what phones, cameras and
# screen recorders put into uploads.
DECODERS = (
    *("vp8", "vp9", "libdav1d", "av1", "h264", "hevc"),
    *("opus", "vorbis", "aac", "mp3float"),
    *("mpeg4", "h263", "mjpeg", "prores", "mpeg2video", "dnxhd", "qtrle", "rawvideo"),
    *("alac", "flac", "ac3", "eac3", "amrnb", "amrwb", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_f32le"),
)

_MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp", b"moof")


def sniff(path: Path) -> Demuxer:
    """Which reader a file needs, by its first bytes. Raises Unplayable for everything but Matroska and MP4 kinds."""
    with path.open("rb") as file:
        first = file.read(12)
    if not first:
        raise Unplayable(N_("Nothing was recorded: the video is empty."))
    if first.startswith(b"\x1a\x45\xdf\xa3"):  # EBML, RFC 8794
        return Demuxer.MATROSKA
    if first[4:8] in _MOV_BOXES:  # ISO/IEC 14496-12, QuickTime
        return Demuxer.MOV
    raise Unplayable(N_("This is not a video in WebM, MKV, MP4 or MOV, or its beginning is missing."))


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file that browsers play: with these codecs inside, written with these options."""

    name: str
    media_type: str
    muxer: str
    video: frozenset[str]
    audio: frozenset[str]
    options: tuple[str, ...]


# Cues in front: a player finds any second with one ranged read. cues_to_front shifts the file (0.54 s for 229 MB);
# reserve_index_space takes the same time, and when the space does not suffice it writes no cues at all.
WEBM = Container(
    name="video.webm",
    media_type="video/webm",
    muxer="webm",
    video=frozenset({"vp8", "vp9", "av1"}),
    audio=frozenset({"opus", "vorbis"}),
    options=("-cues_to_front", "1"),
)
MP4 = Container(
    name="video.mp4",
    media_type="video/mp4",
    muxer="mp4",
    video=frozenset({"h264", "av1", "vp9"}),
    audio=frozenset({"aac", "opus", "mp3"}),
    options=("-movflags", "+faststart"),
)
FIRST_CHOICE = {Demuxer.MATROSKA: (WEBM, MP4), Demuxer.MOV: (MP4, WEBM)}

# H.264 beyond 4:2:0 with 8 bits is decoded by no browser.
H264_PIXELS = frozenset({"yuv420p", "yuvj420p"})
