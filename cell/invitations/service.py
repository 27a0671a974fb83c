"""Inviting, sending again, revoking and accepting."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel

from cell.actors import SYSTEM, Actor
from cell.audit import service as audit
from cell.directory.managing import DirectoryDecides, directory_managed
from cell.invitations import kinds, queries
from cell.invitations.models import Invitation
from cell.people import queries as people_queries
from cell.people import service as people
from cell.people.models import Person
from cell.people.permissions import Role
from kit.database import Reading, Writing, now
from kit.jobs import later
from kit.refusals import Kind, Refusal

LIFE = timedelta(days=7)


class AlreadyInvited(Refusal):
    """An invitation to this address waits for its answer, or has run out of time."""

    kind = Kind.CONFLICT
    title = "This address has been invited already"
    detail = "Send the invitation again from the list, or revoke it."


class InvitationOver(Refusal):
    """The word was right once."""

    kind = Kind.GONE
    title = "This invitation is no longer open"
    detail = "It has expired, or it was taken back. Ask whoever invited you for a new one."


class NewInvitation(BaseModel):
    """Who is to come, and as what."""

    email: people.Email
    role: Role = Role.AGENT


def is_open(invitation: Invitation) -> bool:
    """Whether it can still be accepted."""
    return invitation.accepted_at is None and invitation.revoked_at is None and invitation.expires_at > now()


def state_of(invitation: Invitation, moment: datetime) -> str:
    """accepted | revoked | expired | sent | sending."""
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.revoked_at is not None:
        return "revoked"
    if invitation.expires_at <= moment:
        return "expired"
    return "sending" if invitation.sent_at is None else "sent"


async def create(tx: Writing, by: Actor, new: NewInvitation, language: str) -> Invitation:
    """Invite somebody by mail. Raises AlreadyAMember, AlreadyInvited, OnlyOwners, DirectoryDecides."""
    email_norm = people.normalised(new.email)
    await people.refuse_granting(tx, by, new.role)
    if not await _may_come(tx, new.role):
        raise DirectoryDecides
    if await tx.first(people_queries.by_email(email_norm)) is not None:
        raise people.AlreadyAMember
    if await tx.first(queries.pending(email_norm)) is not None:
        raise AlreadyInvited
    moment = now()
    invitation = Invitation(
        email=new.email,
        email_norm=email_norm,
        role=new.role.value,
        invited_by=by.id,
        created_at=moment,
        expires_at=moment + LIFE,
    )
    tx.add(invitation)
    await tx.flush()
    later(tx, kinds.SEND, invitation.id, language)
    await audit.append(tx, by, "invitation.create", _target(invitation), {"role": invitation.role})
    return invitation


async def resend(tx: Writing, by: Actor, invitation_id: UUID, language: str) -> Invitation:
    """Send another mail, with another word and seven days from now.

    Raises InvitationOver, OnlyOwners, DirectoryDecides, NotFound.
    """
    invitation = await _pending(tx, by, invitation_id)
    if not await _may_come(tx, invitation.role):
        raise DirectoryDecides
    invitation.expires_at, invitation.digest, invitation.sent_at = now() + LIFE, None, None
    later(tx, kinds.SEND, invitation.id, language)
    await audit.append(tx, by, "invitation.resend", _target(invitation))
    return invitation


async def revoke(tx: Writing, by: Actor, invitation_id: UUID) -> Invitation:
    """Take it back; the mail that was sent leads nowhere. Raises InvitationOver once it is accepted, NotFound."""
    invitation = await _locked(tx, invitation_id)
    if invitation.accepted_at is not None:
        raise InvitationOver
    if invitation.revoked_at is None:
        invitation.revoked_at = now()
        await audit.append(tx, by, "invitation.revoke", _target(invitation))
    return invitation


async def presented(tx: Reading, digest: bytes) -> Invitation:
    """The invitation of a mail's word, open or accepted. Raises NotFound, InvitationOver."""
    invitation = await tx.one(queries.by_digest(digest))
    if invitation.accepted_at is None and not (is_open(invitation) and await _may_come(tx, invitation.role)):
        raise InvitationOver
    return invitation


async def accept(tx: Writing, digest: bytes, prepared: people.Prepared, origin: str) -> Person:
    """Make the member that was invited, once. Raises NotFound, InvitationOver, AlreadyAMember."""
    invitation = await tx.one(queries.by_digest(digest).with_for_update())
    if not is_open(invitation) or not await _may_come(tx, invitation.role):
        raise InvitationOver
    person = await people.create(tx, SYSTEM, prepared)
    invitation.accepted_at = now()
    details: dict[str, str | int | bool | list[str]] = {"person": str(person.id)}
    await audit.append(tx, people.actor_of(person, origin), "invitation.accept", _target(invitation), details)
    return person


async def waiting_for(tx: Reading, email_norm: str) -> Invitation | None:
    """The open invitation of an address."""
    found = await tx.first(queries.pending(email_norm))
    return found if found is not None and is_open(found) else None


async def fulfil(tx: Writing, invitation: Invitation, person: Person) -> None:
    """Note that somebody who was invited has come in another way than by the mail."""
    invitation.accepted_at = now()
    await audit.append(
        tx, people.actor_of(person), "invitation.accept", _target(invitation), {"person": str(person.id)}
    )


async def _may_come(tx: Reading, role: str) -> bool:
    """Whether somebody may come by invitation; where the directory decides who exists, owners alone may."""
    return role == Role.OWNER or not await directory_managed(tx)


async def _pending(tx: Writing, by: Actor, invitation_id: UUID) -> Invitation:
    invitation = await _locked(tx, invitation_id)
    await people.refuse_granting(tx, by, Role(invitation.role))
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise InvitationOver
    return invitation


async def _locked(tx: Writing, invitation_id: UUID) -> Invitation:
    return await tx.one(queries.by_id(invitation_id).with_for_update())


def _target(invitation: Invitation) -> audit.Target:
    return audit.Target("invitation", invitation.id, invitation.id, {"name": invitation.email})
