"""Video files made playable: pure functions on files, over ffmpeg, that know no database and no bucket.

`remux` turns what a browser recorded into a file that plays and seeks, `thumbnail` and `storyboard` make its pictures,
`probe` measures a file. What cannot be played raises `Unplayable`, whose text an agent can read.
"""

from cell.media.errors import Unplayable
from cell.media.probe import Media, probe
from cell.media.remux import Final, remux
from cell.media.storyboard import Storyboard, storyboard
from cell.media.thumbnail import thumbnail

__all__ = ["Final", "Media", "Storyboard", "Unplayable", "probe", "remux", "storyboard", "thumbnail"]
