"""What becomes of recordings, in numbers."""

from prometheus_client import Counter, Histogram

CAME_INTO = Counter("cellcast_recordings_total", "Recordings that came into a state", ["state"])
PROCESSED = Histogram(
    "cellcast_recording_processed_seconds",
    "From when a recording was finished until it could be played, or until it was given up",
    ["outcome"],
    buckets=(1, 3, 10, 30, 60, 120, 300, 900, 3600),
)
