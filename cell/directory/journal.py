"""The provisioning log: what was asked for and refused, what came of it, for 30 days. Nothing secret ever gets here."""

from datetime import timedelta
from uuid import UUID

from cell.directory import queries, reasons, statements
from contracts.directory import Apply, Create, CredentialRefused, Find, Get, Note
from kit import logs
from kit.database import Database, now
from kit.direct import DirectWriting
from kit.refusals import Refusal

KEPT = timedelta(days=30)
REFUSED_EVERY = timedelta(minutes=1)  # how exact the last use of an ended token is
LONGEST_DETAIL = 300
FORGOTTEN_AT_ONCE = 1_000  # lines that one transaction lets go: a day of a first sync is tens of thousands

log = logs.get("directory")

Token = tuple[UUID, str]


async def refused(database: Database, said: Apply | Find | Get, token: Token | None, refusal: Refusal) -> None:
    """Note that something was refused, in a transaction of its own: the change's is undone."""
    if token is None and not isinstance(refusal, CredentialRefused):
        return
    try:
        async with database.writing_directly(said.workspace_id) as tx:
            if token is None:
                await _ended(tx, said.credential)
            elif isinstance(said, Apply):
                await _line(tx, said, token, refusal)
    except Refusal as failure:  # the answer is the refusal, whether it could be noted or not
        log.warning("not noted", reason=failure.slug)


async def note(database: Database, said: Note) -> None:
    """Note what provisioning refused by itself; of what is refused because it is too much, once a minute.

    Raises CredentialRefused.
    """
    statement = statements.REFUSED_THIS_MINUTE if said.reason == reasons.OFTEN else statements.REFUSED
    async with database.writing_directly(said.workspace_id) as tx:
        caller = await tx.row(statements.CREDENTIAL, tx.workspace_id, bytes.fromhex(said.credential))
        if caller is None or not caller["lives"]:
            raise CredentialRefused
        await tx.row(
            statement,
            tx.workspace_id,
            None,
            caller["token_id"],
            said.trace,
            said.asked,
            "",
            "",
            "",
            said.reason,
            said.detail,
        )


async def forget_old(database: Database, workspace_id: UUID) -> None:
    """Let go what was kept for long enough, a part at a time, each in a transaction of its own."""
    before, gone = now() - KEPT, FORGOTTEN_AT_ONCE
    while gone >= FORGOTTEN_AT_ONCE:
        async with database.writing(workspace_id) as tx:
            gone = await tx.execute(queries.old_lines(before, FORGOTTEN_AT_ONCE))
    async with database.writing(workspace_id) as tx:
        await tx.execute(queries.old_reads(before))


async def _line(tx: DirectWriting, said: Apply, token: Token, refusal: Refusal) -> None:
    change, subject, name = said.change, None, ""
    if isinstance(change, Create):
        told = change.document.get("user_name") or change.document.get("display_name") or ""
        name = str(told)[:LONGEST_DETAIL]
    else:
        subject = change.id
    reason = str(refusal.facts.get("reason") or refusal.slug)
    about = refusal.facts.get("attribute")
    detail = f"{about}: {refusal.detail}" if about else refusal.detail
    await tx.row(
        statements.REFUSED,
        tx.workspace_id,
        subject,
        token[0],
        said.trace,
        said.asked,
        change.verb,
        change.resource.value,
        name.replace("\0", ""),
        reason,
        detail[:LONGEST_DETAIL],
    )


async def _ended(tx: DirectWriting, credential: str) -> None:
    caller = await tx.row(statements.CREDENTIAL, tx.workspace_id, bytes.fromhex(credential))
    if caller is None or caller["lives"]:
        return
    if caller["refused_at"] is None or now() - caller["refused_at"] > REFUSED_EVERY:
        await tx.row(statements.REFUSED_NOW, tx.workspace_id, caller["token_id"])
