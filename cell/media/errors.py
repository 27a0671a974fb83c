"""What is wrong with a video, in words for the agent who waits for it; translated where they are shown."""

from kit.marking import N_


class Unplayable(Exception):
    """No player can show this file, and trying again will not help. The text is a sentence for the agent."""


# What ffmpeg says (libavformat/mov.c, matroskadec.c, utils) -> what it means. The first that is found counts.
_MEANINGS = (
    ("moov atom not found", N_("The video was cut off before its index was written, so nothing of it can be read.")),
    ("EBML header parsing failed", N_("The beginning of the video is damaged, so nothing of it can be read.")),
    ("not on whitelist", N_("The video uses a format that browsers do not record and that is not converted here.")),
    ("Cannot allocate memory", N_("The video needs more memory than one conversion may take.")),
)
_UNKNOWN = N_("The video is damaged and cannot be read.")


def unplayable(said: str) -> Unplayable:
    """The error for a file about which ffmpeg said this."""
    return Unplayable(next((meaning for sign, meaning in _MEANINGS if sign in said), _UNKNOWN))
