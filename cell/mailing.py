"""Sending a mail of this cell, in its reader's language; for jobs, which try again."""

from cell.people.models import Person
from cell.resources import Cell
from cell.ui import pages
from cell.workspaces.models import Workspace
from kit.jobs import GiveUp
from kit.mail import Mailer


def language_of(person: Person, workspace: Workspace) -> str:
    """In which to write to somebody who is not there: their browser's last, else the workspace's."""
    return person.language or workspace.language


async def send(cell: Cell, to: str, language: str, subject: str, text: str, **places: str) -> None:
    """Send a mail; `subject` and `text` are English and have `{places}`.

    What people named themselves is filled in last, so that it is never read as a place. Raises GiveUp without a mail
    server, MailNotSent.
    """
    settings = cell.settings
    if settings.smtp_url is None:
        raise GiveUp("no mail server is set")
    title = " ".join(pages.in_language(language, subject).format(**places).split())  # a subject has one line
    mailer = Mailer(settings.smtp_url.get_secret_value(), settings.mail_from)
    await mailer.send(to, title, pages.in_language(language, text).format(**places))
