"""A recording made playable and seekable: copied where that works, repaired or converted where it does not."""

import re
from dataclasses import dataclass
from pathlib import Path

from cell.media.containers import FIRST_CHOICE, H264_PIXELS, MP4, Container, Demuxer, sniff
from cell.media.errors import Unplayable, unplayable
from cell.media.ffmpeg import THREADS, Limits, Ran, local, reading, run
from cell.media.probe import PATIENCE, Media, counted_ms, look, parse
from kit.marking import N_

COPY = Limits(seconds=300)
CHECK = Limits(seconds=600)
CONVERT = Limits(seconds=3600)
LONGEST_SIDE = 1920  # of what is converted: a phone's 4K would take four times as long and show the same

REPAIR = ("-err_detect", "ignore_err", "-fflags", "+genpts+igndts+discardcorrupt")
COPY_VIDEO = ("-c:v", "copy")
COPY_AUDIO = ("-c:a", "copy")
# Keyframes every 2 s, as the recorder asks of browsers: for seeking, and for the storyboard.
TO_H264 = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-threads", str(THREADS)),
    *("-force_key_frames", "expr:gte(t,n_forced*2)", "-fps_mode", "vfr"),
    "-vf",
    f"scale=w='min({LONGEST_SIDE},iw)':h='min({LONGEST_SIDE},ih)':"
    "force_original_aspect_ratio=decrease:force_divisible_by=2",
)
TO_AAC = ("-c:a", "aac", "-b:a", "128k", "-ac", "2")

# A recording that ends in the middle of a frame, its tab having been killed: what came before is whole. And streams
# that are not taken may be in codecs that are not open (a phone's spatial sound).
_HARMLESS = (
    "not on whitelist",
    "File ended prematurely",
    "partial file",
    "Error during demuxing",
    "Last message repeated",
)

# How ffmpeg marks what it says with `-v level+info` (libavutil/log.c): `[webm @ 0x1] [error] words`.
_LEVEL = re.compile(r"^(?:\[[^\]]+ @ 0x[0-9a-f]+\] )*\[(?:info|verbose)\] ")


@dataclass(frozen=True, slots=True)
class Final:
    """A file that browsers play and seek: starts at 0, duration as measured, size in pixels as shown."""

    path: Path
    media_type: str
    duration_ms: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a recording becomes playable at the least cost."""

    container: Container
    codecs: tuple[str, ...]
    copies: bool  # the picture is not converted, so that it takes seconds


def plan(media: Media) -> Plan:
    """The cheapest way: copy all, else the picture, else neither."""
    choices = FIRST_CHOICE[media.demuxer]
    for container in choices:
        if _holds_picture(container, media) and _holds_sound(container, media):
            return Plan(container, (*COPY_VIDEO, *COPY_AUDIO), copies=True)
    if _holds_picture(MP4, media):
        return Plan(MP4, (*COPY_VIDEO, *TO_AAC), copies=True)
    return conversion(media)


def conversion(media: Media) -> Plan:
    """The way that always works: H.264, and AAC unless the sound can stay."""
    return Plan(MP4, (*TO_H264, *(COPY_AUDIO if _holds_sound(MP4, media) else TO_AAC)), copies=False)


def _holds_picture(container: Container, media: Media) -> bool:
    playable = media.video_codec != "h264" or media.pixels in H264_PIXELS
    return playable and media.video_codec in container.video


def _holds_sound(container: Container, media: Media) -> bool:
    return not media.has_audio or media.audio_codec in container.audio


async def remux(joined: Path, out_dir: Path) -> Final:
    """Make `out_dir/video.webm` or `out_dir/video.mp4` from a recording's joined chunks or an uploaded file.

    A copy where ffmpeg has nothing to complain about (0.6 s for 10 min of 720p); else a repaired copy, if it decodes
    without errors, because one broken frame stops a browser's player; else a conversion. Raises Unplayable, and
    TimeoutError when a copy takes longer than minutes.
    """
    return await _copied_unseen(joined, out_dir) or await _looked_at(joined, out_dir)


async def _copied_unseen(joined: Path, out_dir: Path) -> Final | None:
    """The copy that nearly every browser's recording needs, in one run of ffmpeg, which says what it read as well.

    None where it shows that this file needs another way. Three runs would take twice the processor time.
    """
    demuxer = sniff(joined)
    usual = Plan(FIRST_CHOICE[demuxer][0], (*COPY_VIDEO, *COPY_AUDIO), copies=True)
    ran = await _write(joined, out_dir, demuxer, ["-map", "0:V:0", "-map", "0:a:0?"], usual, level="level+info")
    lines = [_LEVEL.sub("", line) for line in ran.said.splitlines() if _is_information(line)]
    complaints = "\n".join(line for line in ran.said.splitlines() if not _is_information(line))
    read = lines[: next((at for at, line in enumerate(lines) if line.startswith("Output #0")), 0)]
    media, duration_ms = parse(demuxer, "\n".join(read)), counted_ms(ran.answered)
    if not media.has_video or plan(media) != usual or not duration_ms:
        return None
    if not _is_whole(Ran(ran.code, complaints, "")):
        return None
    return Final(out_dir / usual.container.name, usual.container.media_type, duration_ms, media.width, media.height)


async def _looked_at(joined: Path, out_dir: Path) -> Final:
    """The way for every other file: look first, then do what it needs."""
    media = await look(joined)
    cheapest = plan(media)
    if cheapest.copies:
        if _is_whole(await _write(joined, out_dir, media.demuxer, media.streams, cheapest)):
            return await _measured(out_dir, cheapest)
        ran = await _write(joined, out_dir, media.demuxer, media.streams, cheapest, *REPAIR)
        if ran.code == 0 and await _decodes(out_dir / cheapest.container.name):
            return await _measured(out_dir, cheapest)
    return await _converted(joined, out_dir, media)


async def _converted(joined: Path, out_dir: Path, media: Media) -> Final:
    way = conversion(media)
    try:
        ran = await _write(joined, out_dir, media.demuxer, media.streams, way, *REPAIR)
    except TimeoutError as error:
        raise Unplayable(N_("The video is too long to be converted into one that browsers play.")) from error
    if ran.code:
        raise unplayable(ran.said)
    return await _measured(out_dir, way)


async def _write(
    joined: Path, out_dir: Path, demuxer: Demuxer, streams: list[str], way: Plan, *options: str, level: str = "error"
) -> Ran:
    source = reading(joined, demuxer, *PATIENCE, *options)
    target = [*streams, *way.codecs, *way.container.options]
    target += ["-map_metadata", "-1", "-map_chapters", "-1"]  # a phone writes there where it was filmed
    target += ["-avoid_negative_ts", "make_zero", "-max_muxing_queue_size", "4096", "-f", way.container.muxer]
    path = out_dir / way.container.name
    limits = COPY if way.copies else CONVERT
    counting = ["-nostats", "-progress", "pipe:1"]
    return await run(["-v", level, *counting, *source, *target, local(path)], limits)


def _is_information(line: str) -> bool:
    return not line or _LEVEL.match(line) is not None


def _is_whole(ran: Ran) -> bool:
    complaints = [line for line in ran.said.splitlines() if not any(sign in line for sign in _HARMLESS)]
    return ran.code == 0 and not complaints


async def _decodes(path: Path) -> bool:
    """Whether every frame decodes. A file too long to find out in minutes is taken as it is."""
    media = await look(path)
    try:
        ran = await run(["-v", "error", *reading(path, media.demuxer), *media.streams, "-f", "null", "-"], CHECK)
    except TimeoutError:
        return True
    return ran.code == 0 and not ran.said


async def _measured(out_dir: Path, way: Plan) -> Final:
    """The final, by what the muxer counted and wrote into its header, never by what the browser said."""
    path = out_dir / way.container.name
    media = await look(path)
    if not media.duration_ms:
        raise Unplayable(N_("There is not one whole frame in this recording."))
    return Final(path, way.container.media_type, media.duration_ms, media.width, media.height)
