"""A forgotten password: a mail with a word in it, which once and for an hour lets its reader choose another one."""

from datetime import timedelta
from uuid import UUID, uuid4

from redis.asyncio import Redis

from cell import mailing
from cell.actors import Actor
from cell.audit import service as audit
from cell.people import kinds, queries, service
from cell.people.models import PasswordReset, Person
from cell.people.permissions import Role
from cell.resources import Cell
from cell.security.noticing import Notice, notify
from cell.sessions.ending import sign_out
from cell.sessions.store import Session
from cell.sso.enforcing import enforced
from cell.workspaces import service as workspaces
from contracts.tokens import Kind as Word
from contracts.tokens import new_bearer
from kit.addresses import counted
from kit.database import Reading, Writing, now
from kit.jobs import later
from kit.marking import N_
from kit.refusals import Kind, Refusal, TooManyRequests

LIFE = timedelta(minutes=60)
PER_ADDRESS, PER_ACCOUNT, WINDOW_S = 20, 4, 3600

_SUBJECT = N_("Choose a new password for {workspace}")
_TEXT = N_(
    "Somebody, you as we hope, asked for a new password for {workspace} on Cellcast. Open this page to choose it:\n\n"
    "{url}\n\nIt works once, within 60 minutes. If it was not you, ignore this mail: nothing has changed."
)


class ResetOver(Refusal):
    """The word of the mail opens nothing, or nothing any more."""

    kind = Kind.GONE
    title = "This page is no longer open"
    detail = "It works once, within 60 minutes, and only from the last mail. Ask for another mail."


async def ask(cell: Cell, workspace_id: UUID, email: str, address: str, language: str) -> None:
    """Have the mail sent, if the address is a member's whose password would count; they may have had none so far.

    Raises TooManyRequests for a network address.

    The same statements run whoever it is, and beyond a few mails an hour to one address nothing is sent without a
    word about it: neither answer nor time tells who is a member.
    """
    email_norm = service.normalised(email)
    await cell.rates.take("reset-address", counted(address), most=PER_ADDRESS, per_s=WINDOW_S)
    async with cell.database.writing(workspace_id) as tx:
        found, alone = await tx.first(queries.by_email(email_norm)), await enforced(tx, cell)
        if found is not None and (not found.active or (alone and found.role != Role.OWNER)):
            found = None
        try:
            await cell.rates.take("reset-account", f"{workspace_id}:{email_norm}", most=PER_ACCOUNT, per_s=WINDOW_S)
        except TooManyRequests:
            found = None
        later(tx, kinds.RESET, uuid4() if found is None else found.id, language)


async def send(cell: Cell, workspace_id: UUID, person_id: UUID, language: str) -> None:
    """Send the mail, if there is such a person; only the word of the last one counts. Raises GiveUp, MailNotSent."""
    async with cell.database.writing(workspace_id) as tx:
        workspace = await workspaces.get(tx)
        person = await tx.first(queries.by_id(person_id).with_for_update())  # whoever gives them another address waits
        if person is None or not person.active:
            return
        word = new_bearer(Word.RESET, workspace.key)
        held = await tx.first(queries.reset_of(person_id))
        if held is None:
            tx.add(PasswordReset(id=person_id, digest=word.digest, expires_at=now() + LIFE))
        else:
            held.digest, held.expires_at = word.digest, now() + LIFE
    url = f"{cell.settings.go_url}/w/{workspace.key}/reset/{word.secret}"
    await mailing.send(cell, person.email, language, _SUBJECT, _TEXT, workspace=workspace.name, url=url)


async def presented(tx: Reading, digest: bytes) -> Person:
    """Who may choose a password with this word. Raises ResetOver."""
    held = await tx.first(queries.reset_by_digest(digest))
    person = None if held is None or held.expires_at <= now() else await tx.first(queries.by_id(held.id))
    if person is None or not person.active:
        raise ResetOver
    return person


async def reset(tx: Writing, redis: "Redis", digest: bytes, new_hash: str, origin: str) -> service.Account:
    """Take the word, once, and store the new password; the person's sessions end. Raises ResetOver."""
    # Of two that present the same word at once the second finds the row gone.
    await tx.first(queries.reset_by_digest(digest).with_for_update())
    person = await presented(tx, digest)
    changed_at = await service.set_password(tx, person.id, new_hash)
    await sign_out(tx, redis, person.id)
    by = service.actor_of(person, origin)
    notify(tx, person.id, Notice.PASSWORD)
    await audit.append(tx, by, "password.reset", audit.Target("person", person.id))
    return service.Account(person, new_hash, changed_at)


async def change(
    tx: Writing, redis: "Redis", by: Actor, person: Person, new_hash: str, *, but: Session
) -> service.Account:
    """Store the password that somebody chose who knew the one before; their sessions end `but` this one."""
    changed_at = await service.set_password(tx, person.id, new_hash)
    await sign_out(tx, redis, person.id, but=but)
    notify(tx, person.id, Notice.PASSWORD)
    await audit.append(tx, by, "password.change", audit.Target("person", person.id))
    return service.Account(person, new_hash, changed_at)
