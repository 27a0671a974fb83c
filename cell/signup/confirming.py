"""Confirming a founder's address: a mail with a word in it, and the page that takes the word."""

from uuid import UUID

from cell.actors import SYSTEM
from cell.audit import service as audit
from cell.people import queries as people
from cell.resources import Cell
from cell.ui import pages
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from contracts.tokens import Bearer, Kind, new_bearer, same
from kit.database import Writing
from kit.jobs import GiveUp
from kit.mail import Mailer
from kit.marking import N_
from kit.refusals import NotFound

OPEN_LINKS = 500  # that a confirmed workspace may have


_SUBJECT = N_("Confirm your e-mail address")
_TEXT = N_(
    "Your workspace {workspace} is ready. Open this page and press the button there, to confirm that this address is "
    "yours:\n\n{url}\n\nUntil then it can have a few open links at a time. If you did not sign up for Cellcast, "
    "ignore this mail."
)


async def ask(cell: Cell, workspace_id: UUID, person_id: UUID, language: str) -> None:
    """Send the mail; one that is sent again has a new word, and only the last word counts.

    Raises GiveUp without a mail server, MailNotSent.
    """
    settings = cell.settings
    if settings.smtp_url is None:
        raise GiveUp("no mail server is set")
    async with cell.database.writing(workspace_id) as tx:
        workspace = await workspaces.get(tx)
        person = await tx.first(people.by_id(person_id))
        if workspace.confirmed_at is not None or person is None:
            return
        word = new_bearer(Kind.CONFIRM, workspace.key)
        workspace.confirm_digest = word.digest
    url = f"{settings.go_url}/w/{workspace.key}/confirm/{word.secret}"
    text = pages.in_language(language, _TEXT).format(workspace=workspace.name, url=url)
    mailer = Mailer(settings.smtp_url.get_secret_value(), settings.mail_from)
    await mailer.send(person.email, pages.in_language(language, _SUBJECT), text)


def is_asked(workspace: Workspace, secret: str) -> bool:
    """Whether this is the word of the last mail."""
    presented = Bearer(Kind.CONFIRM, workspace.key, secret).digest
    return workspace.confirm_digest is not None and same(workspace.confirm_digest, presented)


async def confirm(tx: Writing, secret: str) -> None:
    """Take the word of the mail: the workspace's first limits end. Raises NotFound for any other word."""
    workspace = await workspaces.get_locked(tx)
    if workspace.confirmed_at is None:
        if not is_asked(workspace, secret):
            raise NotFound
        workspaces.confirmed(workspace, OPEN_LINKS)
        await audit.append(tx, SYSTEM, "workspace.confirm", audit.Target("workspace", tx.workspace_id))
