"""Once a day for each workspace that needs it: old lines leave the log, ends of certificates are told."""

from uuid import UUID

from cell import mailing
from cell.people import queries as people
from cell.people.permissions import Permission, allowed
from cell.resources import Cell
from cell.sso import journal, kinds, queries, saving
from cell.sso.models import SsoSettings
from cell.workspaces import service as workspaces
from contracts.identity import Connection, connection_of
from kit.database import Writing, now
from kit.jobs import RunAgain, later
from kit.marking import N_

_SUBJECT = N_("The certificate of your identity provider ends on {date}")
_TEXT = N_(
    "People sign in to {workspace} on Cellcast through your identity provider. Its certificate ends on {date}; from "
    "then on nobody can sign in that way.\n\nMake a new certificate there, then add it here:\n\n{url}\n\n"
    "Both work side by side, so nothing is interrupted."
)
MOST_MAILS = 50  # of one warning


async def look_after(cell: Cell, workspace_id: UUID) -> None:
    """Do the day's work. Raises RunAgain as long as there is more to come."""
    key = await workspaces.key_of(cell.database, workspace_id)
    if key is None:
        return
    async with cell.database.writing(workspace_id) as tx:
        await journal.forget_old(tx)
        row = await tx.first(queries.settings())
        connection = None if row is None or row.connection is None else connection_of(key, row.connection)
        if row is not None and connection is not None:
            await _warn(tx, row, connection)
        idle = connection is None and await tx.first(queries.any_sign_in()) is None
        waiting = await tx.first(queries.upkeep())
        if idle and waiting is not None:
            await tx.delete(waiting)
    if not idle:
        raise RunAgain(journal.DAY_S)


async def warn(cell: Cell, workspace_id: UUID, person_id: UUID, date: str) -> None:
    """Tell one person by mail. Raises GiveUp without a mail server, MailNotSent."""
    async with cell.database.reading(workspace_id) as tx:
        workspace, person = await workspaces.get(tx), await tx.first(people.by_id(person_id))
    if person is None or not person.active or Permission.SSO_CHANGE not in allowed(person.role):
        return
    url = f"{cell.settings.go_url}/w/{workspace.key}/sso"
    language = mailing.language_of(person, workspace)
    await mailing.send(cell, person.email, language, _SUBJECT, _TEXT, workspace=workspace.name, date=date, url=url)


async def _warn(tx: Writing, row: SsoSettings, connection: Connection) -> None:
    """Write a mail to each admin and owner, once for each certificate and each time ahead."""
    ahead = connection.expiring(now())
    if ahead is None or not connection.enabled:
        return
    last = max(connection.certificates, key=lambda one: one.not_after)
    told = f"{saving.of_certificate(last)[:16]}:{ahead.days}"
    if told in row.warned:
        return
    row.warned = [*row.warned, told]
    date = last.not_after.date().isoformat()
    for person in await tx.all(people.who_may(Permission.SSO_CHANGE, MOST_MAILS)):
        later(tx, kinds.WARN, person.id, date)
