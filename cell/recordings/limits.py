"""What one recording may be. The numbers go to the browser with the start, and are held here and by S3's signatures."""

from datetime import timedelta

CHUNK_BYTES = 16 * 1024 * 1024  # a second of screen is some 0.1 MB; slices of uploaded files are 8 MB
CHUNKS = 20_000  # 4 hours at a chunk a second, with room for short ones
BYTES = 8 * 1024 * 1024 * 1024
SECONDS = 4 * 3600
BATCH = 50  # chunks in one request for grants

GRANT_LIFE_S = 60  # a stalled PUT is aborted at 30 s and asks again
GRANT_LIFE = timedelta(seconds=GRANT_LIFE_S)
TOKEN_LIFE = timedelta(minutes=15)
PUT_MARGIN = timedelta(minutes=5)  # a PUT that began in time may take this long to arrive
RESUME_WINDOW = timedelta(hours=24)  # how long a customer may come back with what their browser still holds
OPEN_FOR = timedelta(hours=30)  # from its start: the longest recording, its pauses, and the day in which it is resumed
