"""The jobs of recordings, by name; `tasks.py` says how they are done."""

from kit.jobs import Kind, Lane

LASTING = 50  # attempts: over hours, while S3 may be away

FOLLOW = Kind("recordings.follow", attempts=LASTING)  # look after an upload while it runs: no tab vanishes unseen
ASSEMBLE = Kind("recordings.assemble", Lane.MEDIA)
STORYBOARD = Kind("recordings.storyboard", Lane.MEDIA, attempts=3)
CLEAR_CHUNKS = Kind("recordings.clear_chunks", attempts=LASTING)
ERASE = Kind("recordings.erase", attempts=LASTING)  # deleted is deleted
