"""Whether the workspace's directory decides who exists, who is active and in which role; then nobody else does."""

from uuid import UUID

from cell.directory import queries
from kit.database import Reading, now
from kit.refusals import Kind, Refusal


class DirectoryDecides(Refusal):
    """What was to be changed here is changed at the identity provider."""

    kind = Kind.CONFLICT
    title = "Your directory decides this"
    detail = "Change it at your identity provider, and it changes here. Revoking the last provisioning token ends that."


async def directory_managed(tx: Reading) -> bool:
    """True while a provisioning token lives."""
    return await tx.first(queries.living(now()).limit(1)) is not None


async def keeps(tx: Reading, person_id: UUID) -> bool:
    """Whether the directory decides if this person exists and is active."""
    return await directory_managed(tx) and await tx.first(queries.entry(person_id)) is not None


async def gives_role(tx: Reading, person_id: UUID) -> bool:
    """Whether it decides their role, by a group."""
    return await directory_managed(tx) and await tx.first(queries.group_with_role(person_id)) is not None
