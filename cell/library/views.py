"""Recordings as the templates and the API show them."""

from cell.recordings.models import Recording
from cell.recordings.states import State
from cell.ui import pages


def view(key: str, recording: Recording, link_title: str | None) -> dict[str, object]:
    """What a row and the watch page know of a recording."""
    at = f"/w/{key}/recordings/{recording.id}"
    ready = State(recording.state) is State.READY
    return {
        "id": recording.id,
        "title": recording.title,
        "state": recording.state,
        "reason": None if recording.reason is None else pages.gettext(recording.reason),
        "duration_ms": recording.duration_ms,
        "bytes": recording.size or None,
        "ticket": recording.ticket,
        "ticket_url": recording.ticket if recording.ticket.startswith(("https://", "http://")) else None,
        "link_title": link_title,
        "created_at": recording.created_at,
        "ready_at": recording.ready_at,
        "thumbnail": f"{at}/thumbnail" if ready and recording.thumbnail else None,
        "watch": at,
        "width": recording.width,
        "height": recording.height,
        "media_type": recording.media_type,
    }


def player(key: str, recording: Recording) -> dict[str, object]:
    """Where the player finds what it plays."""
    at = f"/w/{key}/recordings/{recording.id}"
    ready = State(recording.state) is State.READY
    board = ready and recording.storyboard
    return {
        "video": f"{at}/video",
        "download": f"{at}/download",
        "poster": f"{at}/thumbnail" if ready and recording.thumbnail else None,
        "storyboard": f"{at}/storyboard.vtt" if board else None,
        "storyboard_image": f"{at}/storyboard.jpg" if board else None,
    }
