"""Whether the workspace's directory decides who exists and in which role; sign-ins then create nobody."""

from cell.directory import queries
from kit.database import Reading, now


async def directory_managed(tx: Reading) -> bool:
    """True while a provisioning token lives."""
    return await tx.first(queries.living(now()).limit(1)) is not None
