"""Where a recording's bytes lie in the bucket."""

from uuid import UUID

THUMBNAIL = "thumbnail.jpg"
STORYBOARD = "storyboard.jpg"
STORYBOARD_CUES = "storyboard.vtt"


def prefix(workspace_id: UUID, recording_id: UUID) -> str:
    """Everything of a recording lies below this."""
    return f"{workspace_id}/{recording_id}/"


def chunks(workspace_id: UUID, recording_id: UUID) -> str:
    """The chunks as the browser sent them."""
    return f"{prefix(workspace_id, recording_id)}chunks/"


def chunk(workspace_id: UUID, recording_id: UUID, index: int) -> str:
    """One chunk; names sort in order."""
    return f"{chunks(workspace_id, recording_id)}{index:06d}"


def index_of(key: str) -> int:
    """The index of a chunk's object."""
    return int(key.rsplit("/", 1)[1])


def final(workspace_id: UUID, recording_id: UUID, name: str) -> str:
    """What is watched: the video, its thumbnail, its storyboard."""
    return f"{prefix(workspace_id, recording_id)}final/{name}"
