"""People: how they come, what they may, how they go, and whose a password is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from unicodedata import normalize
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field
from redis.asyncio import Redis
from sqlalchemy import delete, update

from cell.actors import Actor, ActorKind
from cell.audit import service as audit
from cell.directory import managing
from cell.directory import queries as directory
from cell.factors import service as factors
from cell.people import passwords, powers, queries
from cell.people.models import Password, PasswordReset, Person
from cell.people.permissions import Permission, Role, allowed
from cell.sessions.ending import sign_out
from cell.sessions.store import Session
from cell.sso import queries as sso
from cell.workspaces import service as workspaces
from kit.database import Reading, Writing, now
from kit.passwords import LONGEST, SHORTEST
from kit.refusals import Kind, Refusal

SEEN_EVERY = timedelta(minutes=5)  # how exact "last seen" is; less would write on every request

Name = Annotated[str, Field(min_length=1, max_length=120)]
Email = Annotated[EmailStr, Field(max_length=254)]
NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]


class AlreadyAMember(Refusal):
    """The address belongs to somebody of this workspace."""

    kind = Kind.CONFLICT
    title = "Somebody with this e-mail address is a member already"
    detail = "Look for them in the list; if they were switched off, switch them on again."


class NotYourself(Refusal):
    """Nobody switches themselves off, or removes themselves."""

    kind = Kind.CONFLICT
    title = "You cannot do this to yourself"
    detail = "Ask another admin to do it."


class OnlyOwners(Refusal):
    """An owner is above whoever acts, or would be."""

    kind = Kind.FORBIDDEN
    title = "Only an owner can do this"
    detail = "Owners alone make somebody an owner, and change, switch off or remove one."


class OwnersSignInHere(OnlyOwners):
    """It is an owner, as the identity provider says; and whom it believes is for admins to say."""

    title = "Sign in with your password or passkey for this"
    detail = "What owners alone may do is not open to who came in by single sign-on. Sign out, then sign in with yours."


class LastOwner(Refusal):
    """Nobody would be left who can get at everything."""

    kind = Kind.CONFLICT
    title = "This is the workspace's last owner"
    detail = "Make somebody else an owner first."


class OwnersNeedPasswords(Refusal):
    """An owner must get in when sign-in through somebody else fails."""

    kind = Kind.CONFLICT
    title = "An owner needs a password"
    detail = (
        "Ask them to choose one with “Forgot your password?” first, so that they get in whatever happens elsewhere."
    )


class AddressDiffers(Refusal):
    """What was typed to confirm is not the member's address."""

    kind = Kind.INVALID
    title = "This is not the member's e-mail address"
    detail = "Nothing has changed. Type the address as it stands on the page, to remove this member and no other."


class NewPerson(BaseModel):
    """Somebody who comes with a password."""

    name: Name
    email: Email
    role: Role = Role.AGENT
    password: NewPassword


@dataclass(frozen=True)
class Prepared:
    """A new person whose password has been hashed, which takes too long for an open transaction."""

    new: NewPerson
    hash: str


@dataclass(frozen=True)
class Account:
    """A person who has a local password."""

    person: Person
    hash: str
    changed_at: datetime  # when the password was chosen


async def prepare(new: NewPerson) -> Prepared:
    """Hash the password of somebody who is to be created; before the transaction that creates them."""
    return Prepared(new, await passwords.hashed(new.password))


async def create(tx: Writing, by: Actor, prepared: Prepared) -> Person:
    """Add a member. Raises AlreadyAMember."""
    new = prepared.new
    person = await join(tx, by, name=new.name, email=new.email, role=new.role)
    tx.add(Password(id=person.id, hash=prepared.hash, changed_at=person.created_at))
    return person


async def join(tx: Writing, by: Actor, *, name: str, email: str, role: Role) -> Person:
    """Add a member who has no password: whoever signs in elsewhere needs none. Raises AlreadyAMember."""
    email_norm = normalised(email)
    if await tx.first(queries.by_email(email_norm)) is not None:
        raise AlreadyAMember
    person = Person(email=email, email_norm=email_norm, name=name, role=role.value, active=True, created_at=now())
    tx.add(person)
    await tx.flush()
    await audit.append(tx, by, "person.create", _target(person), {"role": person.role})
    return person


async def change_role(
    tx: Writing, redis: "Redis", by: Actor, person_id: UUID, role: Role, *, but: Session | None = None
) -> Person:
    """Give a member another role; their sessions end, `but` one perhaps, and what the new role does not reach.

    Raises OnlyOwners, OwnersNeedPasswords, LastOwner, DirectoryDecides, NotFound.
    """
    person = await taken_in_hand(tx, by, person_id)
    if person.role == role:
        return person
    among_others = by.kind is ActorKind.PERSON and Role.OWNER not in (person.role, role)
    if among_others and await managing.gives_role(tx, person.id):
        raise managing.DirectoryDecides
    if role is Role.OWNER:
        await _refuse_below_owners(tx, by)
        if await tx.first(queries.password_of(person.id)) is None:
            raise OwnersNeedPasswords
    await _refuse_last_owner(tx, person)
    earlier, person.role = person.role, role.value
    await _end_powers(tx, by, person, allowed(person.role))
    await sign_out(tx, redis, person.id, but=but)
    await audit.append(tx, by, "person.role", _target(person), {"from": earlier, "to": person.role})
    return person


async def set_active(tx: Writing, redis: "Redis", by: Actor, person_id: UUID, *, active: bool) -> Person:
    """Switch a member off or on. Off: out everywhere at once; API tokens they made end for good, customers go on.

    Off is for everybody to say who may, directory or not: what is wrong with an account does not wait.

    Raises NotYourself, OnlyOwners, LastOwner, DirectoryDecides, NotFound.
    """
    person = await taken_in_hand(tx, by, person_id)
    if person.id == by.id and not active:
        raise NotYourself
    if person.active == active:
        return person
    if active:
        await _refuse_kept(tx, by, person)
    if not active:
        await _refuse_last_owner(tx, person)
        await _end_powers(tx, by, person, frozenset())
        await sign_out(tx, redis, person.id)
    person.active = active
    await tx.execute(directory.touched(person.id))
    await audit.append(tx, by, "person.activate" if active else "person.deactivate", _target(person))
    return person


async def remove(tx: Writing, redis: "Redis", by: Actor, person_id: UUID) -> Person:
    """Take a member out of the workspace; what they made stays, and so does the log.

    Raises NotYourself, OnlyOwners, LastOwner, DirectoryDecides, NotFound.
    """
    person = await taken_in_hand(tx, by, person_id)
    if person.id == by.id:
        raise NotYourself
    await _refuse_kept(tx, by, person)
    await _refuse_last_owner(tx, person)
    await _end_powers(tx, by, person, frozenset())
    await sign_out(tx, redis, person.id)
    await factors.forget(tx, person.id)
    await tx.execute(delete(Password).where(Password.id == person.id))
    await tx.execute(sso.forget_identities_of(person.id))
    for statement in directory.forget(person.id):
        await tx.execute(statement)
    await tx.delete(person)
    await audit.append(tx, by, "person.remove", _target(person), {"role": person.role})
    return person


async def account(tx: Reading, email: str) -> Account | None:
    """The active person with this address and a local password."""
    found = await tx.rows(queries.with_password(normalised(email)))
    if not found or not found[0][0].active:
        return None
    person, held = found[0]
    return Account(person, held.hash, held.changed_at)


async def password_of(tx: Reading, person_id: UUID) -> str:
    """When the person's password was chosen, as a text; empty for who has none."""
    held = await tx.first(queries.password_of(person_id))
    return "" if held is None else held.changed_at.isoformat()


async def set_password(tx: Writing, person_id: UUID, new_hash: str) -> datetime:
    """Store another password; open resets end. When it was chosen."""
    await tx.first(queries.by_id(person_id).with_for_update())  # a sign-in with the one before ends first
    held = await tx.first(queries.password_of(person_id))
    moment = now()
    if held is None:
        tx.add(Password(id=person_id, hash=new_hash, changed_at=moment))
    else:
        held.hash, held.changed_at = new_hash, moment
    await tx.execute(delete(PasswordReset).where(PasswordReset.id == person_id))
    return moment


async def rehash(tx: Writing, found: Account, new_hash: str) -> None:
    """Store a newer hash of the same password, unless another password was chosen meanwhile."""
    same = (Password.id == found.person.id) & (Password.hash == found.hash)
    await tx.execute(update(Password).where(same).values(hash=new_hash))


async def seen(tx: Writing, person_id: UUID, language: str) -> None:
    """Remember that the person was here just now, and in which language their browser asked."""
    await tx.execute(update(Person).where(Person.id == person_id).values(last_seen_at=now(), language=language))


async def names_of(tx: Reading, ids: set[UUID]) -> dict[UUID, str]:
    """Names by id, for lists that say who did something."""
    return {person.id: person.name for person in await tx.all(queries.names(ids))} if ids else {}


async def ids_like(tx: Reading, text: str) -> set[UUID]:
    """The people whose name or e-mail contains `text`."""
    return {person.id for person in await tx.all(queries.matching(text))}


def actor_of(person: Person, origin: str = "") -> Actor:
    """A person as an actor, where there is no session."""
    return Actor(ActorKind.PERSON, person.id, person.name, origin)


def normalised(email: str) -> str:
    """An address or a user name as it is compared: without blanks round it, composed (Unicode NFC), in lower case."""
    bare = email.strip()
    return (bare if bare.isascii() else normalize("NFC", bare)).lower()


async def refuse_granting(tx: Reading, by: Actor, role: Role) -> None:
    """Raises OnlyOwners where somebody below an owner would make one."""
    if role is Role.OWNER:
        await _refuse_below_owners(tx, by)


async def taken_in_hand(tx: Writing, by: Actor, person_id: UUID) -> Person:
    """The person, while no other act upon a member of the workspace is under way: what it sees stays so."""
    await workspaces.get_locked(tx)
    person = await tx.one(queries.by_id(person_id).execution_options(populate_existing=True))
    if person.role == Role.OWNER:
        await _refuse_below_owners(tx, by)
    return person


async def _refuse_below_owners(tx: Reading, by: Actor) -> None:
    """As the rows say now, not as the request began: somebody may have just changed the actor's role."""
    if by.kind is not ActorKind.PERSON:
        return
    actor = await tx.first(queries.by_id(by.id))
    if actor is None or not actor.active or Permission.OWNERS_CHANGE not in allowed(actor.role):
        raise OnlyOwners
    if by.elsewhere:
        raise OwnersSignInHere


async def _refuse_kept(tx: Reading, by: Actor, person: Person) -> None:
    """Raises DirectoryDecides where somebody decides beside the directory who is there."""
    if by.kind is ActorKind.PERSON and await managing.keeps(tx, person.id):
        raise managing.DirectoryDecides


async def _refuse_last_owner(tx: Reading, person: Person) -> None:
    if person.role == Role.OWNER and await tx.first(queries.other_owners(person.id)) is None:
        raise LastOwner


async def _end_powers(tx: Writing, by: Actor, person: Person, left: frozenset[Permission]) -> None:
    """What the person could do from outside with powers that are not left to them.

    That is tokens they made, people they asked in, and for who may do nothing any more a mail that lets them in.
    """
    await tx.flush()
    for act in await powers.end(await tx.direct(), {person.id: left}):
        await audit.append(tx, by, act.action, act.target)
    if not left:
        await tx.execute(delete(PasswordReset).where(PasswordReset.id == person.id))


def _target(person: Person) -> audit.Target:
    return audit.Target("person", person.id, person.id, {"name": person.name, "email": person.email})
