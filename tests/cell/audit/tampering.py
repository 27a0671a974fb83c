"""What somebody can do to a log who owns the database."""

import asyncpg

from tests.cell.world import Workspace


async def cut_off(superuser: str, workspace: Workspace, after: int) -> None:
    """Put the log back to how it was when entry `after` was its last, as a copy of an earlier day would."""
    above = await asyncpg.connect(superuser)
    await above.execute("set session_replication_role = replica")  # past triggers
    await above.execute("delete from audit_entries where workspace_id = $1 and seq > $2", workspace.id, after)
    await above.execute(
        "update audit_heads h set seq = e.seq, hash = e.hash from audit_entries e "
        "where h.workspace_id = $1 and e.workspace_id = $1 and e.seq = $2",
        workspace.id,
        after,
    )
    await above.close()


async def write_anew(superuser: str, workspace: Workspace, seq: int) -> None:
    """Give an entry another hash."""
    above = await asyncpg.connect(superuser)
    await above.execute("set session_replication_role = replica")
    await above.execute(
        "update audit_entries set hash = sha256(hash) where workspace_id = $1 and seq = $2", workspace.id, seq
    )
    await above.close()
