"""Publishing signed heads of the log into the bucket, where whoever can change the database changes nothing."""

from uuid import UUID

from prometheus_client import Counter

from cell.audit import queries
from cell.resources import Cell
from contracts.audit_heads import SignedHead, follow
from kit import logs
from kit.database import Database, now
from kit.storage import Bucket, NotFound

HEADS = Counter(
    "cellcast_audit_heads_total", "Heads of audit logs: published, or refused as the log differs", ["outcome"]
)
MEDIA_TYPE = "application/json"
LARGEST = 4096  # bytes

log = logs.get("audit")


class LogDiffers(Exception):
    """The log is not the one that its newest head saw: entries are gone, or are others."""


async def publish(cell: Cell, workspace_id: UUID) -> int:
    """Publish a head of the log as it is now; the number of its last entry. Nothing where that one is published.

    Each number's object is written before the pointer to the newest, so that a crash in between leaves one to be found
    (`newest`) and none is written twice. Raises LogDiffers, StorageUnavailable, StorageRefused.
    """
    before = await newest(cell.bucket, workspace_id)
    async with cell.database.reading(workspace_id) as tx:
        end = await tx.one(queries.head())
        seen = None if before is None else await tx.first(queries.hash_of(before.head.seq))
    if before is not None and (seen is None or seen.hex() != before.head.hash):
        HEADS.labels("refused").inc()
        log.error("the audit log is not the one that its signed head saw", seq=before.head.seq, head=before.head.n)
        raise LogDiffers(f"entry {before.head.seq} is gone or another one")
    if before is None or before.head.seq < end.seq:
        made = follow(
            before,
            workspace_id=workspace_id,
            cell=cell.settings.name,
            seq=end.seq,
            hash_=end.hash,
            at=now().isoformat(),
            key=cell.settings.signing_key,
        )
        await cell.bucket.put(_numbered(workspace_id, made.head.n), made.line, MEDIA_TYPE)
        await cell.bucket.put(_newest(workspace_id), made.line, MEDIA_TYPE)
        HEADS.labels("published").inc()
    return end.seq


async def newest(bucket: Bucket, workspace_id: UUID) -> SignedHead | None:
    """The last head that was published, if any. Raises StorageUnavailable, StorageRefused."""
    found = await _read(bucket, _newest(workspace_id))
    n = 0 if found is None else found.head.n
    while (later := await _read(bucket, _numbered(workspace_id, n + 1))) is not None:
        found, n = later, n + 1
    return found


async def settled(database: Database, workspace_id: UUID, seq: int) -> bool:
    """Note that no job is under way any more, unless the log has grown beyond `seq` since."""
    async with database.writing(workspace_id) as tx:
        end = await tx.one(queries.head_for_update())
        end.publishing = end.seq > seq
        return not end.publishing


async def forgotten(database: Database, workspace_id: UUID) -> None:
    """Note that the job under way came to nothing, so that the next entry asks for another."""
    async with database.writing(workspace_id) as tx:
        end = await tx.one(queries.head_for_update())
        end.publishing = False


def _newest(workspace_id: UUID) -> str:
    return f"audit/{workspace_id}/heads/newest.json"


def _numbered(workspace_id: UUID, n: int) -> str:
    return f"audit/{workspace_id}/heads/{n:012d}.json"


async def _read(bucket: Bucket, key: str) -> SignedHead | None:
    try:
        return SignedHead.read(await bucket.get(key, limit=LARGEST))
    except NotFound:
        return None
