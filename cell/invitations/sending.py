"""The mail of an invitation. Its word is made when it is sent, so that it is nowhere but in the mail."""

from uuid import UUID

from cell import mailing
from cell.invitations import queries, service
from cell.people import queries as people
from cell.resources import Cell
from cell.workspaces import service as workspaces
from contracts.tokens import Kind, new_bearer
from kit.database import now
from kit.marking import N_

_SUBJECT = N_("{who} invites you to {workspace}")
_TEXT = N_(
    "{who} invites you to work in {workspace} on Cellcast. Open this page to choose your name and a password:\n\n"
    "{url}\n\nIt works once, within 7 days. If you do not know who asks, ignore this mail."
)


async def send(cell: Cell, workspace_id: UUID, invitation_id: UUID, language: str) -> None:
    """Send it; one that is sent again has a new word, and only the last word counts. Raises GiveUp, MailNotSent."""
    async with cell.database.writing(workspace_id) as tx:
        workspace = await workspaces.get(tx)
        invitation = await tx.first(queries.by_id(invitation_id).with_for_update())
        if invitation is None or not service.is_open(invitation):
            return
        inviter = await tx.first(people.by_id(invitation.invited_by))
        word = new_bearer(Kind.INVITE, workspace.key)
        invitation.digest = word.digest
    await mailing.send(
        cell,
        invitation.email,
        language,
        _SUBJECT,
        _TEXT,
        who=workspace.name if inviter is None else inviter.name,
        workspace=workspace.name,
        url=f"{cell.settings.go_url}/w/{workspace.key}/join/{word.secret}",
    )
    async with cell.database.writing(workspace_id) as tx:
        sent = await tx.first(queries.by_id(invitation_id).with_for_update())
        if sent is not None and sent.digest == word.digest:
            sent.sent_at = now()
