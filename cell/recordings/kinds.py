"""The jobs of recordings, by name; `tasks.py` says how they are done."""

from kit.jobs import Kind, Lane

FOLLOW = Kind("recordings.follow")  # look after an upload while it runs
ASSEMBLE = Kind("recordings.assemble", Lane.MEDIA)
STORYBOARD = Kind("recordings.storyboard", Lane.MEDIA, attempts=3)
CLEAR_CHUNKS = Kind("recordings.clear_chunks")
ERASE = Kind("recordings.erase", attempts=50)  # deleted is deleted: for hours, while S3 may be away
