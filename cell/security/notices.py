"""The mail that tells a person what has changed about how they sign in, and what to do if it was not them.

Nothing secret is in it, and nothing in it does anything by being opened.
"""

from datetime import UTC, datetime
from uuid import UUID

from cell import mailing
from cell.people import queries as people
from cell.resources import Cell
from cell.security.noticing import Notice
from cell.ui import pages
from cell.workspaces import service as workspaces
from kit.marking import N_

_WHAT = {
    Notice.PASSWORD: N_("Your password was changed"),
    Notice.APP_ADDED: N_("An authenticator app was added to your account"),
    Notice.APP_REMOVED: N_("An authenticator app was removed from your account"),
    Notice.PASSKEY_ADDED: N_("A passkey was added to your account"),
    Notice.PASSKEY_REMOVED: N_("A passkey was removed from your account"),
    Notice.CODES_RENEWED: N_("New recovery codes were made for your account"),
    Notice.CODE_USED: N_("A recovery code of yours was used"),
    Notice.FACTORS_FORGOTTEN: N_("An admin has reset your second factors"),
}
_TEXT = N_(
    "{what}.\n\nWorkspace: {workspace} on Cellcast\nAccount: {email}\nTime: {when} UTC\n\n"
    "If you know of it, there is nothing to do. If it was not you, choose another password now, which signs out "
    "whoever it was:\n\n{reset}\n\n"
    "Then look through your second factors, remove what is not yours, and tell an admin of your workspace:\n\n{factors}"
)


async def send(cell: Cell, workspace_id: UUID, person_id: UUID, notice: str, moment: str) -> None:
    """Send it, unless the person is gone or switched off by now. Raises GiveUp without a mail server, MailNotSent."""
    async with cell.database.reading(workspace_id) as tx:
        workspace, person = await workspaces.get(tx), await tx.first(people.by_id(person_id))
    if person is None or not person.active:
        return
    language, what = mailing.language_of(person, workspace), _WHAT[Notice(notice)]
    base = f"{cell.settings.go_url}/w/{workspace.key}"
    await mailing.send(
        cell,
        person.email,
        language,
        what,
        _TEXT,
        what=pages.in_language(language, what),
        workspace=workspace.name,
        email=person.email,
        when=f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M}",
        reset=f"{base}/forgotten",
        factors=f"{base}/account/factors",
    )
