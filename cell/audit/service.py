"""Appending to the audit log in the transaction of the act, and reading it with what may still be opened."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from cell.actors import Actor
from cell.audit import queries
from cell.audit.keyring import SealBroken, current
from cell.audit.models import AuditEntry, AuditHead, SubjectKey
from contracts import audit as chain
from kit.database import Reading, Writing, now

PAGE = 50


@dataclass(frozen=True)
class Target:
    """What was acted upon. Fields about a person (`personal`) are sealed under the key of `subject`."""

    kind: str
    id: UUID
    subject: UUID | None = None
    personal: dict[str, str] | None = None


@dataclass(frozen=True)
class Line:
    """An entry as a page shows it. `actor_name` and `origin` are empty where the person's key is gone."""

    seq: int
    at: datetime
    actor_id: UUID
    actor_kind: str
    actor_name: str
    origin: str
    action: str
    target_kind: str
    target_id: str
    details: dict[str, object]
    personal: dict[str, str]


async def append(
    tx: Writing,
    by: Actor,
    action: str,
    target: Target,
    details: dict[str, str | int | bool | list[str]] | None = None,
) -> int:
    """Add one entry; its sequence number. `details` hold nothing personal: that goes into `target.personal`.

    The head's row lock puts the acts of a workspace in order, so call this late in the transaction.
    """
    head = await tx.first(queries.head_for_update())
    if head is None:
        head = AuditHead(seq=0, hash=chain.GENESIS)
        tx.add(head)
    seq = head.seq + 1
    at = now()
    sealed = {str(by.id): {"name": by.name, "origin": by.origin}}
    if target.subject is not None and target.personal:
        sealed.setdefault(str(target.subject), {}).update({f"target_{k}": v for k, v in target.personal.items()})
    stored: chain.Stored = {
        "format": chain.FORMAT,
        "workspace_id": str(tx.workspace_id),
        "seq": seq,
        "at": at.isoformat(),
        "actor": {"kind": by.kind.value, "id": str(by.id)},
        "action": action,
        "target": {"kind": target.kind, "id": str(target.id)},
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id") or ""),
        "details": details or {},
        "personal": {who: await _seal(tx, UUID(who), seq, fields) for who, fields in sealed.items()},
    }
    head.seq, head.hash = seq, chain.entry_hash(head.hash, stored)
    tx.add(AuditEntry(seq=seq, at=at, actor_id=by.id, action=action, stored=stored, hash=head.hash))
    return seq


async def page(
    tx: Reading, *, before: int | None, action: str | None, actors: set[UUID] | None
) -> tuple[list[Line], int | None]:
    """A page of the log, newest first, and the `before` of the next page."""
    entries = await tx.all(queries.entries_before(before, PAGE + 1, action, actors))
    shown = entries[:PAGE]
    subjects = {UUID(who) for entry in shown for who in _personal(entry)}
    keys = {key.id: key.wrapped for key in await tx.all(queries.subject_keys(subjects))}
    lines = [_line(entry, keys) for entry in shown]
    return lines, shown[-1].seq if len(entries) > PAGE else None


async def _seal(tx: Writing, subject: UUID, seq: int, fields: dict[str, str]) -> str:
    key = await tx.first(queries.subject_key(subject))
    if key is None:
        key = SubjectKey(id=subject, wrapped=current().new_wrapped(subject))
        tx.add(key)
        await tx.flush()
    text = json.dumps(fields, sort_keys=True).encode()
    return b64encode(current().seal(key.wrapped, subject, _place(tx.workspace_id, seq), text)).decode()


def _place(workspace_id: UUID, seq: int) -> bytes:
    return workspace_id.bytes + seq.to_bytes(8, "big")


def _personal(entry: AuditEntry) -> dict[str, str]:
    found = entry.stored["personal"]
    return found if isinstance(found, dict) else {}


def _opened(entry: AuditEntry, keys: dict[UUID, bytes]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for who, sealed in _personal(entry).items():
        subject = UUID(who)
        if subject not in keys:
            continue  # the person was erased: what was theirs stays sealed for good
        try:
            text = current().open(keys[subject], subject, _place(entry.workspace_id, entry.seq), b64decode(sealed))
        except SealBroken:
            continue
        fields.update(json.loads(text))
    return fields


def _line(entry: AuditEntry, keys: dict[UUID, bytes]) -> Line:
    fields = _opened(entry, keys)
    actor, target, details = entry.stored["actor"], entry.stored["target"], entry.stored["details"]
    assert isinstance(actor, dict) and isinstance(target, dict) and isinstance(details, dict)
    return Line(
        seq=entry.seq,
        at=entry.at,
        actor_id=entry.actor_id,
        actor_kind=str(actor["kind"]),
        actor_name=fields.pop("name", ""),
        origin=fields.pop("origin", ""),
        action=entry.action,
        target_kind=str(target["kind"]),
        target_id=str(target["id"]),
        details=details,
        personal={name.removeprefix("target_"): value for name, value in fields.items()},
    )
