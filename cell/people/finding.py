"""Where is my workspace? A mail to a person with the addresses of their workspaces in this cell."""

import asyncio
from uuid import UUID

from cell import mailing
from cell.people import kinds, queries, service
from cell.resources import Cell
from cell.workspaces import service as workspaces
from kit import logs
from kit.database import Database
from kit.jobs import later
from kit.marking import N_
from kit.refusals import Refusal, TooManyRequests

PER_ACCOUNT, WINDOW_S = 4, 3600
ALL, ALL_WINDOW_S = 120, 60  # of everybody together: each looks into all workspaces
AT_ONCE = 2

_SUBJECT = N_("Your workspaces on Cellcast")
_TEXT = N_(
    "You asked where you sign in. These are your workspaces in this region:\n\n{list}\n\n"
    "If it was not you who asked, ignore this mail: it went to you alone."
)

log = logs.get("people")
_looking: set[asyncio.Task[None]] = set()
_turn = asyncio.Semaphore(AT_ONCE)


async def ask(cell: Cell, email: str, language: str) -> None:
    """Have the mail sent, if the address is somebody's here. Raises TooManyRequests.

    Looking goes on after the answer, so that its time tells nothing. Whoever asks for somebody else limits how often
    that one may ask.
    """
    email_norm = service.normalised(email)
    await cell.rates.take("find", "all", most=ALL, per_s=ALL_WINDOW_S)
    try:
        await cell.rates.take("find-account", email_norm, most=PER_ACCOUNT, per_s=WINDOW_S)
    except TooManyRequests:
        return
    task = asyncio.create_task(_look(cell.database, email_norm, language))
    _looking.add(task)
    task.add_done_callback(_looking.discard)


async def send(cell: Cell, workspace_id: UUID, person_id: UUID, language: str) -> None:
    """Send the mail to a person of this workspace. Raises GiveUp, MailNotSent."""
    async with cell.database.reading(workspace_id) as tx:
        person = await tx.first(queries.by_id(person_id))
    if person is None:
        return
    lines = []
    for one in await workspaces.with_member(cell.database, person.email_norm):
        async with cell.database.reading(one) as tx:
            workspace = await workspaces.get(tx)
        lines.append(f"{workspace.name}\n{cell.settings.go_url}/w/{workspace.key}/sign-in")
    if lines:
        await mailing.send(cell, person.email, language, _SUBJECT, _TEXT, list="\n\n".join(lines))


async def _look(database: Database, email_norm: str, language: str) -> None:
    """Write the job where the person is known first. A process that dies before leaves nothing, and is asked again."""
    try:
        async with _turn:
            for one in await workspaces.with_member(database, email_norm):
                if await _written(database, one, email_norm, language):
                    return
    except Exception as error:  # nobody waits for the answer
        log.warning("finding workspaces", error=type(error).__name__)


async def _written(database: Database, workspace_id: UUID, email_norm: str, language: str) -> bool:
    """Whether the job was written there; a workspace that is frozen just now takes none, another may."""
    try:
        async with database.writing(workspace_id) as tx:
            person = await tx.first(queries.by_email(email_norm))
            if person is not None:
                later(tx, kinds.FIND, person.id, language)
    except Refusal:
        return False
    return person is not None
