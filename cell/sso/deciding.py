"""Who somebody is whom the identity provider vouches for, and whether they come in.

Identity is (identity provider, NameID). The first sign-in links it to a person by the NameID alone: an e-mail
attribute is often a person's own to change, and links nobody. The link holds until somebody else is called so.
"""

from dataclasses import dataclass

from sqlalchemy import Select

from cell.actors import SYSTEM
from cell.audit import service as audit
from cell.directory import queries as directory
from cell.directory.managing import directory_managed
from cell.domains import service as domains
from cell.invitations import service as invitations
from cell.invitations.models import Invitation
from cell.people import queries as people_queries
from cell.people import service as people
from cell.people.models import Person
from cell.people.permissions import Role
from cell.resources import Cell
from cell.sso import connections, queries
from cell.sso.models import Identity
from cell.sso.reasons import Denied, Reason
from cell.workspaces import service as workspaces
from contracts.domains import within
from contracts.identity import Connection
from contracts.signing_in import HandOver
from kit.database import Reading, Writing, now


@dataclass(frozen=True)
class Decision:
    """Who comes in. `person` is None where they are to be created; `identity` where they are to be linked."""

    person: Person | None
    identity: Identity | None
    role: Role | None  # that they get; None: the one they have
    invitation: Invitation | None = None  # by which somebody new comes

    @property
    def as_what(self) -> Role:
        """The role in which they come in."""
        return self.role or (Role.AGENT if self.person is None else Role(self.person.role))


async def decide(tx: Reading, connection: Connection, said: HandOver) -> Decision:
    """Changes nothing, so that a test can ask too. Raises Denied."""
    await _refuse_other_domains(tx, said)
    identity = await tx.first(queries.identity(_digest(said)))
    # Whoever is called so now comes first: an address that somebody had until they married may be a new colleague's.
    person = await _named(tx, said.name_id)
    if person is None and identity is not None:
        person = await _person(tx, people_queries.by_id(identity.person_id))
    if person is None:
        invitation = await _invited(tx, said.name_id)
        await _may_be_created(tx, connection, said, invitation)
        role = _role(said, None) or (None if invitation is None else Role(invitation.role))
        return Decision(None, None, role, invitation)
    if not person.active:
        raise Denied(Reason.SWITCHED_OFF)
    linked = identity if identity is not None and identity.person_id == person.id else None
    return Decision(person, linked, None if await directory_managed(tx) else _role(said, person))


async def admit(tx: Writing, cell: Cell, connection: Connection, said: HandOver) -> Person:
    """Decide, and do what follows: create, link, give the role. Raises Denied, and has then changed nothing."""
    found = await _known_as_is(tx, connection, said)
    if found is None:
        # Whoever else changes members holds the same lock; what is decided under it stays so until the commit.
        await workspaces.get_locked(tx)
        found = await decide(tx, connection, said)
    person = found.person
    if person is None:
        email = _address(said) if found.invitation is None else found.invitation.email
        person = await people.join(tx, SYSTEM, name=_name(said), email=email, role=found.as_what)
        if found.invitation is not None:
            await invitations.fulfil(tx, found.invitation, person)
    elif found.role is not None:
        await people.change_role(tx, cell.redis, SYSTEM, person.id, found.role)
    if found.identity is None:
        await _link(tx, said, person)
    else:
        found.identity.used_at = now()
    return person


async def _known_as_is(tx: Reading, connection: Connection, said: HandOver) -> Decision | None:
    """The decision where it changes nobody, as with most sign-ins; None where it is to be made under the lock."""
    try:
        found = await decide(tx, connection, said)
    except Denied:  # perhaps by what is just being made
        return None
    unchanged = found.person is not None and found.identity is not None and found.role is None
    return found if unchanged else None


async def _refuse_other_domains(tx: Reading, said: HandOver) -> None:
    """What has a domain has to have one that is the workspace's own."""
    named = [text for text in (said.name_id, said.email) if "@" in text]
    if not named:
        return
    verified = await domains.verified(tx)
    if not all(within(text, verified) for text in named):
        raise Denied(Reason.DOMAIN_UNVERIFIED)


async def _named(tx: Reading, name_id: str) -> Person | None:
    """The person whose user name or external id this is; the user name is the address, unless the directory has one."""
    known = await tx.first(directory.named(people.normalised(name_id), name_id))
    if known is not None:
        return await _person(tx, people_queries.by_id(known.id))
    person = await _person(tx, people_queries.by_email(people.normalised(name_id)))
    if person is None or await tx.first(directory.entry(person.id)) is not None:
        return None
    return person


async def _person(tx: Reading, found: Select[Person]) -> Person | None:
    """As the row is now: what was read earlier in the transaction may have changed before the lock was held."""
    return await tx.first(found.execution_options(populate_existing=True))


async def _invited(tx: Reading, name_id: str) -> Invitation | None:
    """The invitation that waits for somebody of this user name. An owner's is accepted with a password alone."""
    found = await invitations.waiting_for(tx, people.normalised(name_id))
    return None if found is None or found.role == Role.OWNER else found


async def _may_be_created(tx: Reading, connection: Connection, said: HandOver, invitation: Invitation | None) -> None:
    if await directory_managed(tx):
        raise Denied(Reason.NOT_PROVISIONED)
    if invitation is not None:
        return
    if not connection.just_in_time:
        raise Denied(Reason.NOT_LINKED)
    if not _address(said):
        raise Denied(Reason.NO_ADDRESS)
    if await tx.first(people_queries.by_email(people.normalised(_address(said)))) is not None:
        raise Denied(Reason.ADDRESS_TAKEN)


def _role(said: HandOver, person: Person | None) -> Role | None:
    """The role that groups give, where that changes anything. Owners are made and unmade by owners alone."""
    if said.role is None or (person is not None and person.role in {Role.OWNER, said.role}):
        return None
    return Role(said.role)


def _address(said: HandOver) -> str:
    """The address to create somebody with; both were held against the verified domains."""
    return said.email or (said.name_id if "@" in said.name_id else "")


def _name(said: HandOver) -> str:
    return said.name.strip() or _address(said).rpartition("@")[0]


def _digest(said: HandOver) -> bytes:
    return connections.identity_digest(said.idp_entity_id, said.name_id)


async def _link(tx: Writing, said: HandOver, person: Person) -> None:
    moment, digest = now(), _digest(said)
    identity = await tx.first(queries.identity(digest))
    if identity is None:
        identity = Identity(digest=digest, idp_entity_id=said.idp_entity_id, name_id=said.name_id)
        tx.add(identity)
    identity.person_id, identity.linked_at, identity.used_at = person.id, moment, moment
    await tx.flush()
    about = {"name": person.name, "name_id": said.name_id}
    details: dict[str, str | int | bool | list[str]] = {"idp": said.idp_entity_id}
    await audit.append(tx, SYSTEM, "identity.link", audit.Target("person", person.id, person.id, about), details)
