"""What an entry of the log is made of, whichever way it is written."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from cell.actors import Actor
from cell.audit.keyring import current
from contracts import audit as chain

Details = dict[str, str | int | bool | list[str]]


@dataclass(frozen=True)
class Target:
    """What was acted upon. Fields about a person (`personal`) are sealed under the key of `subject`."""

    kind: str
    id: UUID
    subject: UUID | None = None
    personal: dict[str, str] | None = None


@dataclass(frozen=True)
class Act:
    """One act. `details` hold nothing personal: that goes into `target.personal`."""

    action: str
    target: Target
    details: Details = field(default_factory=dict)

    def subjects(self, by: Actor) -> set[UUID]:
        """Whose keys seal what is personal about it."""
        return {UUID(who) for who in self._personal(by)}

    def stored(self, workspace_id: UUID, seq: int, at: datetime, by: Actor, keys: Mapping[UUID, bytes]) -> chain.Stored:
        """The form that the hash covers; `keys` are the wrapped ones of all subjects."""
        where = place(workspace_id, seq)
        return {
            "format": chain.FORMAT,
            "workspace_id": str(workspace_id),
            "seq": seq,
            "at": at.isoformat(),
            "actor": {"kind": by.kind.value, "id": str(by.id)},
            "action": self.action,
            "target": {"kind": self.target.kind, "id": str(self.target.id)},
            "request_id": str(structlog.contextvars.get_contextvars().get("request_id") or ""),
            "details": self.details,
            "personal": {
                who: _sealed(keys[UUID(who)], UUID(who), where, fields) for who, fields in self._personal(by).items()
            },
        }

    def _personal(self, by: Actor) -> dict[str, dict[str, str]]:
        found = {str(by.id): {"name": by.name, "origin": by.origin}}
        if self.target.subject is not None and self.target.personal:
            about = {f"target_{name}": value for name, value in self.target.personal.items()}
            found.setdefault(str(self.target.subject), {}).update(about)
        return found


def place(workspace_id: UUID, seq: int) -> bytes:
    """Where an entry stands; what is sealed is bound to it."""
    return workspace_id.bytes + seq.to_bytes(8, "big")


def _sealed(wrapped: bytes, subject: UUID, where: bytes, fields: dict[str, str]) -> str:
    text = json.dumps(fields, sort_keys=True).encode()
    return b64encode(current().seal(wrapped, subject, where, text)).decode()
