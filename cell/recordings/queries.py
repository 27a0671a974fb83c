"""Statements about recordings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Delete, Select, any_, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from cell.recordings.models import Manifest, Recording, StateChange
from cell.recordings.states import UPLOADING, State


def by_id(recording_id: UUID) -> Select[Recording]:
    """One recording that was not deleted."""
    return select(Recording).where(Recording.id == recording_id, Recording.deleted_at.is_(None))


def by_id_whatever(recording_id: UUID) -> Select[Recording]:
    """One recording, deleted or not."""
    return select(Recording).where(Recording.id == recording_id)


def by_id_locked(recording_id: UUID) -> Select[Recording]:
    """The same, locked: changes of state come one after the other."""
    return by_id(recording_id).with_for_update()


def finished_at(recording_id: UUID) -> Select[datetime | None]:
    """When it was finished last."""
    finished = StateChange.recording_id == recording_id, StateChange.state == State.FINISHING
    return select(func.max(StateChange.at)).where(*finished)


def deleted(recording_id: UUID) -> Select[Recording]:
    """One recording that was deleted and whose rows are still there."""
    return select(Recording).where(Recording.id == recording_id, Recording.deleted_at.is_not(None))


def uploading_of_link(link_id: UUID) -> Select[Recording]:
    """The recordings of a link that are still being sent, locked."""
    return (
        select(Recording)
        .where(Recording.link_id == link_id, Recording.deleted_at.is_(None))
        .where(Recording.state.in_([state.value for state in UPLOADING]))
        .with_for_update()
    )


def uploading_by(person_id: UUID, but: str) -> Select[Recording]:
    """The recordings that a member began and is still sending, locked; `but` those of one session's line."""
    return (
        select(Recording)
        .where(Recording.started_by == person_id, Recording.deleted_at.is_(None))
        .where(Recording.state.in_([state.value for state in UPLOADING]))
        .where(or_(Recording.started_in.is_(None), Recording.started_in != but))
        .with_for_update()
    )


def uploading_by_many(people: Sequence[UUID]) -> Select[Recording]:
    """The same for many members, in the order in which others lock several too."""
    return (
        select(Recording)
        .where(Recording.started_by.in_(people), Recording.deleted_at.is_(None))
        .where(Recording.state.in_([state.value for state in UPLOADING]))
        .order_by(Recording.id)
        .with_for_update()
    )


def uploading_in(lines: Sequence[str]) -> Select[Recording]:
    """The recordings that members began in sessions of these lines and are still sending, locked."""
    return (
        select(Recording)
        .where(Recording.started_by.is_not(None), Recording.deleted_at.is_(None))
        .where(Recording.state.in_([state.value for state in UPLOADING]))
        .where(Recording.started_in == any_(literal(list(lines), ARRAY(TEXT))))
        .with_for_update()
    )


def manifest(recording_id: UUID) -> Select[Manifest]:
    """What the browser says it recorded."""
    return select(Manifest).where(Manifest.id == recording_id)


def everything_of(recording_id: UUID) -> list[Delete]:
    """Remove a recording's rows."""
    return [
        delete(Manifest).where(Manifest.id == recording_id),
        delete(StateChange).where(StateChange.recording_id == recording_id),
        delete(Recording).where(Recording.id == recording_id),
    ]


def states_of_links(link_ids: set[UUID]) -> Select[UUID, str]:
    """(link_id, state) of every recording of these links."""
    return select(Recording.link_id, Recording.state).where(
        Recording.link_id.in_(link_ids), Recording.deleted_at.is_(None)
    )
