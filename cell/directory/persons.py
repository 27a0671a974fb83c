"""What an identity provider may do to a person here, and what follows from it."""

import json
from uuid import UUID, uuid4

from cell.audit import keyring
from cell.audit.acts import Act, Target
from cell.directory import statements, values
from cell.directory.doing import Doing
from cell.directory.patching import patched
from cell.people import queries as of_people
from cell.people import service as people
from cell.people.permissions import Role
from cell.sso import queries as sso
from contracts.directory import ByLaw, Create, Document, Erase, Patch, Replace, Taken
from contracts.directory_schema import Resource
from contracts.domains import within
from kit.direct import Row
from kit.marking import N_

LAST_OWNER = N_("This is the workspace's last owner. Make somebody else an owner first.")
OWNERS_ADDRESS = N_("This is an owner, and an owner's address is not for the directory to change.")
OTHER_DOMAIN = N_("The workspace has not verified the domain of this address.")


async def create(doing: Doing, change: Create) -> bytes:
    """A new member; or the member who has the user name as their address already becomes the directory's."""
    document = values.taken(Resource.PERSON, change.document)
    active = document.pop("active", True)
    row = await doing.load(statements.LOAD_NEW, people.normalised(document["user_name"]))
    if row["entry_id"] is not None:
        raise Taken(attribute="user_name")
    known = set() if row["person_id"] is None else {people.normalised(row["email"])}
    _refuse_others(set(row["verified"]), values.at_work(document) - known)
    if row["person_id"] is not None:
        return await _link(doing, row, document, active)
    person_id = uuid4()
    _act(doing, "person.create", person_id, document, role=Role.AGENT.value)
    return await doing.note(
        statements.CREATE_PERSON,
        person_id,
        values.name_of(document),
        *_columns(document),
        *_member(document, active, row),
        keyring.current().new_wrapped(person_id),
        result="changed",
        detail=", ".join(sorted(document)),
    )


async def change(doing: Doing, change: Replace | Patch) -> bytes:
    """Change somebody; whether they are active stays as it is where nothing is said of it."""
    row = await doing.load(statements.LOAD_PERSON, change.id)
    await _expect(doing, change)
    before = {**json.loads(row["document"]), "active": row["active"]}
    if isinstance(change, Patch):
        after = patched(Resource.PERSON, before, change.steps)
    else:
        after = values.taken(Resource.PERSON, change.document)
    after.setdefault("active", row["active"])
    if after == before:
        return await doing.unchanged(change.id, row["name"])
    changed = values.differing(before, after)
    detail = ", ".join(changed)
    renamed = values.key(after, "user_name") != values.key(before, "user_name")
    if renamed:
        await _rename(doing, change.id, row, after)
    await _let_go(doing, change.id, before, after)
    await _refuse_other_domains(doing, values.at_work(after) - values.at_work(before))
    active = after.pop("active")
    if active != before.pop("active"):
        await _switch(doing, change.id, row, active)
    if after == before:
        return await doing.note(
            statements.SWITCH_PERSON, change.id, row["name"], active, result="changed", detail=detail
        )
    told = {"active", "user_name"} if renamed else {"active"}  # by entries of their own
    if others := [one for one in changed if one not in told]:
        about = _target(change.id, row["name"], row["email"])
        doing.acts.append(Act("person.change", about, {"attributes": others}))
    return await doing.note(
        statements.CHANGE_PERSON,
        change.id,
        values.name_of(after),
        *_columns(after),
        *_member(after, active, row),
        result="changed",
        detail=detail,
    )


async def erase(doing: Doing, change: Erase) -> bytes:
    """Somebody leaves the workspace; what they recorded stays."""
    if doing.slow is None:
        await doing.load(statements.LOAD_CALLER)  # nothing is locked for whoever may not ask
    tx = doing.heavily()
    # Their groups are changed too, and come first: whoever changes a group locks it before its members.
    await doing.tx.rows(statements.LOCK_GROUPS_OF, doing.workspace_id, change.id)
    row = await doing.load(statements.LOAD_PERSON, change.id)
    await _expect(doing, change)
    try:
        await people.remove(tx, doing.cell.redis, doing.by, change.id)
    except people.LastOwner:
        raise ByLaw(LAST_OWNER, reason="last-owner") from None
    await tx.flush()
    return await doing.note(statements.NOTE_GONE, change.id, row["name"], result="changed")


async def _expect(doing: Doing, change: Replace | Patch | Erase) -> None:
    """Raises VersionDiffers. The version is of all that is shown, groups too, and is made only for who asks."""
    if change.expected is not None:
        doing.expect(change.expected, await doing.tx.value(statements.VERSION_OF_PERSON, doing.workspace_id, change.id))


async def _link(doing: Doing, row: Row, document: Document, active: bool) -> bytes:
    """Somebody who was here before the directory: they keep role, password and what they made."""
    doing.heavily()
    person_id = row["person_id"]
    if row["active"] != active:
        await _switch(doing, person_id, row, active)
    _act(doing, "person.link", person_id, document)
    return await doing.note(
        statements.LINK_PERSON,
        person_id,
        values.name_of(document),
        *_columns(document),
        *_member(document, active, row),
        result="changed",
        detail=", ".join(sorted(document)),
    )


async def _switch(doing: Doing, person_id: UUID, row: Row, active: bool) -> None:
    """On or off. Whoever was never here has no session and no token, so that the row is all there is to change.

    A rehearsal changes no more than the row: sessions and uploads end outside the transaction.
    """
    if not row.get("light"):
        tx = doing.heavily()
        if not doing.rehearsal:
            try:
                await people.set_active(tx, doing.cell.redis, doing.by, person_id, active=active)
            except people.LastOwner:
                raise ByLaw(LAST_OWNER, reason="last-owner") from None
            await tx.flush()
            return
        if row["role"] == Role.OWNER and not active and await tx.first(of_people.other_owners(person_id)) is None:
            raise ByLaw(LAST_OWNER, reason="last-owner")
    act = "person.activate" if active else "person.deactivate"
    doing.acts.append(Act(act, _target(person_id, row["name"], row["email"])))


async def _rename(doing: Doing, person_id: UUID, row: Row, after: Document) -> None:
    """Another address to sign in with; a mail that went to the one before lets nobody choose a password any more."""
    if row["role"] == Role.OWNER:  # a mail about a password would go there, and tokens are made by admins
        raise ByLaw(OWNERS_ADDRESS, reason="owner")
    await doing.tx.row(statements.FORGET_RESET, doing.workspace_id, person_id)
    personal = {"name": values.name_of(after), "email": row["email"], "to": after["user_name"]}
    doing.acts.append(Act("person.rename", Target("person", person_id, person_id, personal)))


async def _let_go(doing: Doing, person_id: UUID, before: Document, after: Document) -> None:
    """Whoever comes by single sign-on under a name that was given up is perhaps a new colleague, not this person."""
    if all(values.key(before, name) in (None, values.key(after, name)) for name in ("user_name", "external_id")):
        return
    tx = doing.heavily()  # a sign-in that is just making such a link is waited for
    for identity in await tx.all(sso.identities_of(person_id)):
        if _is_called(before, identity.name_id) and not _is_called(after, identity.name_id):
            await tx.delete(identity)
    await tx.flush()


def _is_called(document: Document, name_id: str) -> bool:
    """Whether single sign-on links somebody by this (`cell/sso/deciding.py`)."""
    return values.key(document, "user_name") == people.normalised(name_id) or document.get("external_id") == name_id


async def _refuse_other_domains(doing: Doing, addresses: set[str]) -> None:
    if addresses:
        verified = {one["domain"] for one in await doing.tx.rows(statements.DOMAINS, doing.workspace_id)}
        _refuse_others(verified, addresses)


def _refuse_others(verified: set[str], addresses: set[str]) -> None:
    """Addresses may only come into domains that are the workspace's own, once it has verified one."""
    if verified and not all(within(one, verified) for one in addresses):
        raise ByLaw(OTHER_DOMAIN, reason="domain")


def _columns(document: Document) -> tuple[object, ...]:
    """What is compared, the document itself, and its addresses."""
    return (
        values.key(document, "user_name"),
        values.key(document, "external_id"),
        values.key(document, "display_name"),
        values.stored(document),
        values.emails(document),
    )


def _member(document: Document, active: bool, row: Row) -> tuple[object, ...]:
    """What the row in `people` says. The user name is the address: it is unique, and nobody's own to change.

    An owner's address stays letter by letter as it was, however the directory spells it.
    """
    address = row["email"] if row["role"] == Role.OWNER else document["user_name"]
    return (values.name_of(document), address, active)


def _act(doing: Doing, action: str, person_id: UUID, document: Document, **details: str) -> None:
    target = _target(person_id, values.name_of(document), document["user_name"])
    doing.acts.append(Act(action, target, dict(details)))


def _target(person_id: UUID, name: str, email: str) -> Target:
    return Target("person", person_id, person_id, {"name": name, "email": email})
