"""Appending to the audit log in the transaction of the act, and reading it with what may still be opened."""

import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cell.actors import Actor
from cell.audit import kinds, queries
from cell.audit.acts import Act, Details, Target, place
from cell.audit.keyring import SealBroken, current
from cell.audit.models import AuditEntry, AuditHead, SubjectKey
from cell.audit.queries import ANY, Wanted
from contracts import audit as chain
from contracts.audit_export import Readable
from kit.database import Reading, Writing, now
from kit.jobs import later

__all__ = ["Line", "Page", "Target", "append", "lines", "page", "shown"]

PAGE = 50


@dataclass(frozen=True)
class Line:
    """An entry as pages and files show it. What `readable` lacks is sealed for good: the person's key is gone."""

    seq: int
    at: datetime
    actor_id: UUID
    actor_kind: str
    action: str
    target_kind: str
    target_id: str
    request_id: str
    details: dict[str, object]
    readable: Readable
    hash: bytes
    stored: chain.Stored

    @property
    def actor_name(self) -> str:
        """Who it was, empty where that is sealed."""
        return self.readable.get("actor", {}).get("name", "")

    @property
    def origin(self) -> str:
        """The network address that it came from."""
        return self.readable.get("actor", {}).get("origin", "")

    @property
    def personal(self) -> dict[str, str]:
        """What is personal about the target."""
        return self.readable.get("target", {})


@dataclass(frozen=True)
class Page:
    """Some of the log, newest first; whether there are entries beyond either end."""

    lines: list[Line]
    has_newer: bool
    has_older: bool


async def append(
    tx: Writing,
    by: Actor,
    action: str,
    target: Target,
    details: Details | None = None,
) -> int:
    """Add one entry; its sequence number. `details` hold nothing personal: that goes into `target.personal`.

    The head's row lock puts the acts of a workspace in order, so call this late in the transaction.
    """
    head = await tx.first(queries.head_for_update())
    if head is None:
        head = AuditHead(seq=0, hash=chain.GENESIS, publishing=False)
        tx.add(head)
    seq = head.seq + 1
    at = now()
    act = Act(action, target, details or {})
    keys = {who: await _key(tx, who) for who in act.subjects(by)}
    stored = act.stored(tx.workspace_id, seq, at, by, keys)
    head.seq, head.hash = seq, chain.entry_hash(head.hash, stored)
    tx.add(AuditEntry(seq=seq, at=at, actor_id=by.id, action=action, stored=stored, hash=head.hash))
    if not head.publishing:
        head.publishing = True
        later(tx, kinds.PUBLISH_HEAD, at=at + kinds.HEAD_EVERY)
    return seq


async def page(tx: Reading, wanted: Wanted = ANY, *, before: int | None = None, after: int | None = None) -> Page:
    """The entries next below `before`, or next above `after`; without either the newest."""
    if after is not None:
        found = await tx.all(queries.newer(wanted, after, PAGE + 1))
        more, shown = len(found) > PAGE, list(reversed(found[:PAGE]))
        older = shown[-1].seq if shown else after + 1
        return Page(await lines(tx, shown), more, await tx.first(queries.older(wanted, older, 1)) is not None)
    found = await tx.all(queries.older(wanted, before, PAGE + 1))
    more, shown = len(found) > PAGE, list(found[:PAGE])
    if before is None:
        return Page(await lines(tx, shown), False, more)
    newer = shown[0].seq if shown else before - 1
    return Page(await lines(tx, shown), await tx.first(queries.newer(wanted, newer, 1)) is not None, more)


async def lines(tx: Reading, entries: Sequence[AuditEntry]) -> list[Line]:
    """Entries with what can still be opened of them."""
    subjects = {UUID(who) for entry in entries for who in _personal(entry)}
    keys = {key.id: key.wrapped for key in await tx.all(queries.subject_keys(subjects))} if subjects else {}
    return [_line(entry, keys) for entry in entries]


def shown(line: Line) -> str:
    """The canonical form that the entry's hash covers, as text."""
    return chain.canonical(line.stored).decode()


async def _key(tx: Writing, subject: UUID) -> bytes:
    key = await tx.first(queries.subject_key(subject))
    if key is None:
        key = SubjectKey(id=subject, wrapped=current().new_wrapped(subject))
        tx.add(key)
        await tx.flush()
    return key.wrapped


def _personal(entry: AuditEntry) -> dict[str, str]:
    found = entry.stored["personal"]
    return found if isinstance(found, dict) else {}


def _opened(entry: AuditEntry, keys: dict[UUID, bytes]) -> Readable:
    opened: Readable = {}
    for who, sealed in _personal(entry).items():
        subject = UUID(who)
        if subject not in keys:
            continue  # the person was erased: what was theirs stays sealed for good
        try:
            text = current().open(keys[subject], subject, place(entry.workspace_id, entry.seq), b64decode(sealed))
        except SealBroken:
            continue
        for name, value in json.loads(text).items():
            about, field = ("target", name.removeprefix("target_")) if name.startswith("target_") else ("actor", name)
            if value:
                opened.setdefault(about, {})[field] = value
    return opened


def _line(entry: AuditEntry, keys: dict[UUID, bytes]) -> Line:
    actor, target, details = entry.stored["actor"], entry.stored["target"], entry.stored["details"]
    assert isinstance(actor, dict) and isinstance(target, dict) and isinstance(details, dict)
    return Line(
        seq=entry.seq,
        at=entry.at,
        actor_id=entry.actor_id,
        actor_kind=str(actor["kind"]),
        action=entry.action,
        target_kind=str(target["kind"]),
        target_id=str(target["id"]),
        request_id=str(entry.stored["request_id"]),
        details=details,
        readable=_opened(entry, keys),
        hash=entry.hash,
        stored=entry.stored,
    )
