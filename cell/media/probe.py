"""What is in a video file: its streams as ffmpeg reads them, and how long it really is."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from cell.media.containers import Demuxer, sniff
from cell.media.errors import Unplayable, unplayable
from cell.media.ffmpeg import Limits, reading, run
from kit.marking import N_

LOOK = Limits(seconds=30)
COUNT = Limits(seconds=300)
# Only spent on files that say late what they hold: a screen that stands still has its first frame after seconds.
PATIENCE = ("-probesize", "64M", "-analyzeduration", "20M")

_STREAM = re.compile(r"^ +Stream #0:(\d+)\S*: (Video|Audio): (\w+)(.*)$")
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d)\.(\d\d)")
_PIXELS = re.compile(r", ((?:yuv|rgb|gbr|bgr|nv|gray|pal|p0|ya|y2)\w*)")
_SIZE = re.compile(r", (\d+)x(\d+)")
_ROTATION = re.compile(r"^ +[Dd]isplay ?[Mm]atrix: rotation of (-?\d+)")
_COUNTED = re.compile(r"^out_time_us=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Media:
    """A video file. Codecs by ffmpeg's names, "" where there is none; width and height as they are shown.

    `duration_ms` is 0 when the file does not say. `video` and `audio` are the streams' places in the file.
    """

    demuxer: Demuxer
    duration_ms: int = 0
    video: int | None = None
    audio: int | None = None
    video_codec: str = ""
    audio_codec: str = ""
    pixels: str = ""
    width: int = 0
    height: int = 0

    @property
    def has_video(self) -> bool:
        """Whether there is a picture (a cover image is none)."""
        return self.video is not None

    @property
    def has_audio(self) -> bool:
        """Whether there is sound."""
        return self.audio is not None

    @property
    def streams(self) -> list[str]:
        """The ffmpeg arguments that take the picture and the sound, and nothing else of the file."""
        chosen = [self.video, self.audio]
        return [word for place in chosen if place is not None for word in ("-map", f"0:{place}")]


async def look(path: Path) -> Media:
    """What the file says about itself. Raises Unplayable when it is no video that can be read."""
    demuxer = sniff(path)
    ran = await run(reading(path, demuxer, *PATIENCE), LOOK)  # ends with code 1: there is no output, as we want
    if "\nInput #0" not in f"\n{ran.said}":
        raise unplayable(ran.said)
    media = parse(demuxer, ran.said)
    if not media.has_video:
        raise Unplayable(N_("There is no picture in this file."))
    return media


async def probe(path: Path) -> Media:
    """What is in the file, its duration measured on its packets: a recorder's WebM says none. 0.4 s for 10 min.

    Raises Unplayable.
    """
    media = await look(path)
    counting = ["-v", "error", *reading(path, media.demuxer, *PATIENCE), *media.streams, "-c", "copy"]
    ran = await run([*counting, "-f", "null", "-progress", "pipe:1", "-"], COUNT)
    duration_ms = counted_ms(ran.answered)
    if duration_ms is None:
        raise unplayable(ran.said)
    return replace(media, duration_ms=duration_ms)


def counted_ms(progress: str) -> int | None:
    """How much was written, of what `-progress pipe:1` says; None where not one packet was."""
    found = _COUNTED.findall(progress)
    return round(int(found[-1]) / 1000) if found else None


def parse(demuxer: Demuxer, said: str) -> Media:
    """Read what `ffmpeg -i` prints (libavformat/dump.c): of each kind, the first stream counts.

    Texts from the file cannot pass for a stream: dump.c prints their line breaks with a colon before what follows.
    """
    media, current = Media(demuxer), ""
    for line in said.splitlines():
        if found := _DURATION.match(line):
            hours, minutes, seconds, hundredths = map(int, found.groups())
            media = replace(media, duration_ms=((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10)
        elif found := _STREAM.match(line):
            place, current, codec, rest = int(found[1]), found[2], found[3], found[4]
            if current == "Audio" and not media.has_audio:
                media = replace(media, audio=place, audio_codec=codec)
            elif current == "Video" and not media.has_video and "(attached pic)" not in rest:
                media = _with_picture(media, place, codec, rest)
            else:
                current = ""  # a stream that is not taken, whose side data does not count either
        elif current == "Video" and (found := _ROTATION.match(line)) and abs(int(found[1])) % 180 == 90:
            media = replace(media, width=media.height, height=media.width)
    return media


def _with_picture(media: Media, place: int, codec: str, rest: str) -> Media:
    pixels, size = _PIXELS.search(rest), _SIZE.search(rest)
    return replace(
        media,
        video=place,
        video_codec=codec,
        pixels=pixels[1] if pixels else "",
        width=int(size[1]) if size else 0,
        height=int(size[2]) if size else 0,
    )
