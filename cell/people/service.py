"""People: inviting, switching off and on, and finding out whether a password is somebody's."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field

from cell.actors import Actor, ActorKind
from cell.audit import service as audit
from cell.people import passwords, queries
from cell.people.models import Password, Person
from kit.database import Reading, Writing, now
from kit.refusals import Kind, Refusal

Role = Literal["agent", "admin"]


class AlreadyAMember(Refusal):
    """The address belongs to somebody of this workspace."""

    kind = Kind.CONFLICT
    title = "Somebody with this e-mail address is a member already"
    detail = "Look for them in the list; if they were switched off, switch them on again."


class NotYourself(Refusal):
    """Nobody switches themselves off."""

    kind = Kind.CONFLICT
    title = "You cannot switch yourself off"
    detail = "Ask another admin to do it."


class NewPerson(BaseModel):
    """What an admin says about a new member."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    email: Annotated[EmailStr, Field(max_length=254)]
    role: Role = "agent"
    password: Annotated[str, Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)]


async def create(tx: Writing, by: Actor, new: NewPerson) -> Person:
    """Add a member with a first password. Raises AlreadyAMember."""
    if await tx.first(queries.by_email(normalised(new.email))) is not None:
        raise AlreadyAMember
    person = Person(
        email=new.email, email_norm=normalised(new.email), name=new.name, role=new.role, active=True, created_at=now()
    )
    tx.add(person)
    await tx.flush()
    tx.add(Password(id=person.id, hash=await passwords.hashed(new.password)))
    about = {"name": person.name, "email": person.email}
    await audit.append(tx, by, "person.create", audit.Target("person", person.id, person.id, about), {"role": new.role})
    return person


async def set_active(tx: Writing, by: Actor, person_id: UUID, *, active: bool) -> Person:
    """Switch a member off or on; links and recordings of customers go on. Raises NotYourself, NotFound."""
    person = await tx.one(queries.by_id(person_id))
    if person.id == by.id and not active:
        raise NotYourself
    if person.active != active:
        person.active = active
        action = "person.activate" if active else "person.deactivate"
        await audit.append(tx, by, action, audit.Target("person", person.id))
    return person


async def with_password(tx: Reading, email: str, password: str) -> Person | None:
    """The active person whose e-mail and password these are; takes the same time whatever is wrong."""
    person = await tx.first(queries.by_email(normalised(email)))
    stored = None
    if person is not None and person.active:
        held = await tx.first(queries.password_of(person.id))
        stored = held.hash if held is not None else None
    return person if await passwords.matches(stored, password) else None


async def names_of(tx: Reading, ids: set[UUID]) -> dict[UUID, str]:
    """Names by id, for lists that say who did something."""
    return {person.id: person.name for person in await tx.all(queries.names(ids))} if ids else {}


async def ids_like(tx: Reading, text: str) -> set[UUID]:
    """The people whose name or e-mail contains `text`."""
    return {person.id for person in await tx.all(queries.matching(text))}


def actor_of(person: Person) -> Actor:
    """A person as an actor, where no session says from where."""
    return Actor(ActorKind.PERSON, person.id, person.name)


def normalised(email: str) -> str:
    """An address as it is compared."""
    return email.strip().lower()
