"""What a link's state is called in lists: the most telling fact about it."""

from datetime import datetime

from cell.links.models import Link
from cell.recordings.states import UPLOADING, State


def of(link: Link, recordings: list[str], at: datetime) -> str:
    """open | opened | recording | uploaded | expired | used-up | revoked; `recordings` are the states of its own."""
    if link.revoked_at is not None:
        return "revoked"
    if any(State(state) in UPLOADING for state in recordings):
        return "recording"
    if any(State(state) not in UPLOADING | {State.ABANDONED} for state in recordings):
        return "uploaded"
    if link.uses >= link.max_uses:
        return "used-up"
    if link.expires_at <= at:
        return "expired"
    return "open" if link.opened_at is None else "opened"
