"""Appending to the audit log where a thousand acts are one change, or one act must not take a millisecond."""

import asyncio
import json
from collections.abc import Sequence
from uuid import UUID

from cell.actors import Actor
from cell.audit import kinds
from cell.audit.acts import Act
from cell.audit.keyring import current
from contracts import audit as chain
from kit.database import now
from kit.direct import DirectWriting, Row
from kit.jobs import later_directly

_HEAD = """
SELECT h.seq, h.hash, h.publishing, k.ids, k.wrapped
  FROM audit_heads h
  CROSS JOIN LATERAL (
    SELECT array_agg(id) AS ids, array_agg(wrapped) AS wrapped
      FROM subject_keys WHERE workspace_id = $1 AND id = ANY($2::uuid[])
  ) k
 WHERE h.workspace_id = $1
   FOR UPDATE OF h
"""
_FIRST_HEAD = """
INSERT INTO audit_heads (workspace_id, seq, hash, publishing) VALUES ($1, 0, $2, false) ON CONFLICT DO NOTHING
"""
# Somebody else may have just stored a key of the same subject: theirs comes back then.
_KEYS = """
INSERT INTO subject_keys (workspace_id, id, wrapped)
SELECT $1, id, wrapped FROM unnest($2::uuid[], $3::bytea[]) AS given (id, wrapped) ORDER BY id
ON CONFLICT (workspace_id, id) DO UPDATE SET wrapped = subject_keys.wrapped
RETURNING id, wrapped
"""
_APPEND = """
WITH head AS (UPDATE audit_heads SET seq = $2, hash = $3, publishing = true WHERE workspace_id = $1)
INSERT INTO audit_entries (workspace_id, at, actor_id, seq, action, stored, hash)
SELECT $1, $4, $5, seq, action, stored::jsonb, hash
  FROM unnest($6::bigint[], $7::text[], $8::text[], $9::bytea[]) AS given (seq, action, stored, hash)
"""

_AT_A_TIME = 50  # entries are sealed before others of the process have their turn: some milliseconds


async def append(tx: DirectWriting, by: Actor, acts: Sequence[Act], head: Row | None = None) -> None:
    """Add an entry for each act, in order. As with `service.append`: late in the transaction.

    `head` is the end of the log where the caller's own statement has locked and read it, with keys of subjects.
    """
    if not acts:
        return
    subjects = set[UUID]().union(*(act.subjects(by) for act in acts))
    if head is None or head["seq"] is None:
        head = await tx.row(_HEAD, tx.workspace_id, list(subjects))
    if head is None:
        await tx.row(_FIRST_HEAD, tx.workspace_id, chain.GENESIS)
        head = await tx.row(_HEAD, tx.workspace_id, list(subjects))
        assert head is not None
    keys = dict(zip(head["ids"] or (), head["wrapped"] or (), strict=True))
    missing = [one for one in subjects if one not in keys]
    if missing:
        fresh = [current().new_wrapped(one) for one in missing]
        keys |= {row["id"]: row["wrapped"] for row in await tx.rows(_KEYS, tx.workspace_id, missing, fresh)}
    at, last = now(), head["hash"]
    entries = []
    for seq, act in enumerate(acts, head["seq"] + 1):
        stored = act.stored(tx.workspace_id, seq, at, by, keys)
        last = chain.entry_hash(last, stored)
        entries.append((seq, act.action, json.dumps(stored), last))
        if len(entries) % _AT_A_TIME == 0:
            await asyncio.sleep(0)
    columns = [list(column) for column in zip(*entries, strict=True)]
    await tx.row(_APPEND, tx.workspace_id, entries[-1][0], last, at, by.id, *columns)
    if not head["publishing"]:
        await later_directly(tx, kinds.PUBLISH_HEAD, at=at + kinds.HEAD_EVERY)
