"""Exported audit logs that tests make up."""

from dataclasses import dataclass
from uuid import UUID

from contracts import audit as chain
from contracts.audit_export import About, Writer
from contracts.audit_heads import SignedHead, follow
from kit.signing import PublicKeys, SigningKey

WORKSPACE = UUID("6b2f6a0e-4f5f-4b62-9a2b-1f0c5d3e7a11")
KEY = SigningKey(b"\1" * 32)
KEYS = PublicKeys([KEY.public])
OTHER_KEYS = PublicKeys([SigningKey(b"\2" * 32).public])
AT = "2026-11-25T14:20:11.123456+00:00"


@dataclass(frozen=True)
class Exported:
    """A file of `lines`, the hashes of its entries, and heads made along the way."""

    lines: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    heads: tuple[SignedHead, ...]

    @property
    def entries(self) -> int:
        return len(self.hashes)


def stored(seq: int, workspace: UUID = WORKSPACE, **more: object) -> chain.Stored:
    """The form of an entry."""
    return {
        "format": 1,
        "workspace_id": str(workspace),
        "seq": seq,
        "at": f"2026-11-25T14:20:{seq % 60:02d}.000000+00:00",
        "actor": {"kind": "person", "id": str(UUID(int=seq % 3))},
        "action": "link.create",
        "target": {"kind": "link", "id": str(UUID(int=abs(seq)))},
        "request_id": "",
        "details": {"max_uses": seq},
        "personal": {},
        **more,
    }


def head(hashes: list[bytes], before: SignedHead | None, key: SigningKey | None = KEY) -> SignedHead:
    """The head of a log with these hashes."""
    return follow(before, workspace_id=WORKSPACE, cell="eu-1", seq=len(hashes), hash_=hashes[-1], at=AT, key=key)


def exported(
    entries: int = 6,
    *,
    heads_at: tuple[int, ...] = (2, 4),
    key: SigningKey | None = KEY,
    workspace: UUID = WORKSPACE,
    carried: bool = True,
    **more: object,
) -> Exported:
    """A log of so many entries, with heads made when it had `heads_at`; the newest is `carried` in the file."""
    forms = [stored(seq, workspace, **more) for seq in range(1, entries + 1)]
    hashes: list[bytes] = []
    heads: list[SignedHead] = []
    for form in forms:
        hashes.append(chain.entry_hash(hashes[-1] if hashes else chain.GENESIS, form))
        if len(hashes) in heads_at:
            heads.append(head(hashes, heads[-1] if heads else None, key))
    writer = Writer()
    about = About(
        cell="eu-1",
        exported_at=AT,
        head=heads[-1] if heads and carried else None,
        last=entries,
        workspace_id=str(workspace),
        workspace_key="acme",
    )
    lines = [writer.begin(about)]
    for form, hash_ in zip(forms, hashes, strict=True):
        lines.append(writer.entry(form, hash_, {"actor": {"name": f'Ada {form["seq"]}, "A"', "origin": "192.0.2.7"}}))
    lines.append(writer.end(key))
    return Exported(tuple(lines), tuple(hashes), tuple(heads))
