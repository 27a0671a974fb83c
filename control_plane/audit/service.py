"""Writing the global audit log in the transaction of the act, and reading it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import audit as chain
from control_plane.audit.models import AuditEntry, AuditHead
from kit.database import now

Details = dict[str, str | int | bool | list[str]]


@dataclass(frozen=True)
class Actor:
    """Who acts: an operator by the account's name and the token's id, or a process of ours."""

    kind: str
    id: UUID
    name: str


def process(name: str) -> Actor:
    """A process of ours, by its name."""
    return Actor("process", UUID(int=0), name)


BOOTSTRAP = Actor("system", UUID(int=0), "bootstrap")


@dataclass(frozen=True)
class Line:
    """One act to be logged. `details` hold ids and words of ours, nothing personal."""

    action: str
    target_kind: str
    target: str
    details: Details


async def write(session: AsyncSession, by: Actor, lines: Sequence[Line]) -> None:
    """Append entries. The head stays locked until the transaction ends, so call this late in it.

    An entry carries no network address: where an operator sat is personal, and this part keeps nothing personal.
    """
    head = (await session.scalars(select(AuditHead).with_for_update())).one()
    for line in lines:
        at = now()
        stored: chain.Stored = {
            "format": chain.FORMAT,
            "log": "control-plane",
            "seq": head.seq + 1,
            "at": at.isoformat(),
            "actor": {"kind": by.kind, "id": str(by.id), "name": by.name},
            "action": line.action,
            "target": {"kind": line.target_kind, "id": line.target},
            "request_id": str(structlog.contextvars.get_contextvars().get("request_id") or ""),
            "details": line.details,
        }
        head.seq, head.hash = head.seq + 1, chain.entry_hash(head.hash, stored)
        session.add(AuditEntry(seq=head.seq, at=at, actor=by.name, action=line.action, stored=stored, hash=head.hash))


async def after(session: AsyncSession, seq: int, limit: int) -> Sequence[AuditEntry]:
    """Entries beyond `seq`, oldest first, at most `limit`."""
    found = select(AuditEntry).where(AuditEntry.seq > seq).order_by(AuditEntry.seq).limit(limit)
    return (await session.scalars(found)).all()
