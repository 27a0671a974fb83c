"""A dry run: what an identity provider that calls with a token sees, and what would become of what it sends."""

import json
import secrets
from dataclasses import dataclass, field

from cell.directory import finding, queries, reasons, service, values
from cell.directory.models import ProvisioningToken
from cell.people import queries as people
from cell.people.service import normalised
from cell.resources import Cell
from contracts.directory import (
    Apply,
    Change,
    Create,
    CredentialRefused,
    Document,
    Find,
    Patch,
    Path,
    Step,
    Tree,
    ValueRefused,
    Verb,
)
from contracts.directory_schema import ATTRIBUTES, Resource
from kit.database import Reading
from kit.marking import N_
from kit.refusals import Refusal

SHOWN = 20
NOBODY = N_("Nobody here has one of these user names. Assign the person at your identity provider before the group.")


@dataclass(frozen=True)
class Seen:
    """A page as the token sees it: `accepted` is False for one that has ended, and then nothing is seen."""

    accepted: bool
    total: int
    documents: list[Document]


@dataclass(frozen=True)
class Sent:
    """What is taken to be sent: the name by which it is looked for, and what is said besides."""

    resource: Resource
    name: str  # a user name, or a group's name
    more: Document = field(default_factory=dict)
    members: tuple[str, ...] = ()  # user names of whoever is to be in the group

    @property
    def document(self) -> Document:
        """All of it, without members."""
        return {_BY[self.resource]: self.name, **self.more}


@dataclass(frozen=True)
class Outcome:
    """What would become of it: created | linked | changed | unchanged | refused, and of a refusal why."""

    result: str
    resource: Resource
    before: Document = field(default_factory=dict)
    after: Document = field(default_factory=dict)
    joined: int = 0  # who would come into the group
    roles: list[dict[str, str]] = field(default_factory=list)  # name, from, to
    reason: str = ""
    detail: str = ""
    attribute: str = ""

    @property
    def hint(self) -> str:
        """What to do about a refusal, in English."""
        return reasons.hint(self.reason)


@dataclass(frozen=True)
class _Known:
    """What is here under that name, and who of the members is."""

    change: Change
    before: Document


_BY = {Resource.PERSON: "user_name", Resource.GROUP: "display_name"}


async def seen(cell: Cell, token: ProvisioningToken, resource: Resource, user_name: str = "") -> Seen:
    """What a search answers; it is no use of the token, and is not counted."""
    tree: Tree | None = ["eq", ["user_name"], user_name] if user_name else None
    said = Find(
        workspace_id=token.workspace_id,
        credential=token.digest.hex(),
        resource=resource,
        tree=tree,
        count=SHOWN,
        members=False,
    )
    text, bound = finding.statement(said)
    known, total, items = await cell.database.read_directly(token.workspace_id, text, *bound)
    if known is None:
        return Seen(False, 0, [])
    return Seen(True, int(total), [one["document"] for one in json.loads(items)])


async def outcome(cell: Cell, token: ProvisioningToken, sent: Sent) -> Outcome | None:
    """What would become of it, by doing it and taking it back; None where the token has ended.

    As identity providers do, whoever is here under that name is changed, and else created.
    """
    try:
        values.taken(sent.resource, sent.document)
        async with cell.database.reading(token.workspace_id) as tx:
            known = await (_person if sent.resource is Resource.PERSON else _group)(tx, sent)
        said = Apply(
            workspace_id=token.workspace_id,
            credential=token.digest.hex(),
            request_id=secrets.token_hex(16),
            change=known.change,
        )
        done = await service.rehearse(cell, said)
    except CredentialRefused:
        return None
    except Refusal as refusal:
        reason, attribute = refusal.facts.get("reason") or refusal.slug, refusal.facts.get("attribute") or ""
        return Outcome("refused", sent.resource, reason=str(reason), detail=refusal.detail, attribute=str(attribute))
    return _told(known, sent, done)


def _told(known: _Known, sent: Sent, done: service.Rehearsed) -> Outcome:
    result = "changed" if done.applied.changed else "unchanged"
    if isinstance(known.change, Create):
        result = "linked" if any(act.action == "person.link" for act in done.acts) else "created"
    document = {} if done.applied.item is None else done.applied.item.document
    own = {name: value for name, value in document.items() if not ATTRIBUTES[sent.resource][name].settled}
    joined, roles = 0, []
    for act in done.acts:
        if act.action in {"group.members", "group.create"}:
            joined = int(str(act.details.get("added") or act.details.get("members") or 0))
        elif act.action == "person.role":
            name = (act.target.personal or {}).get("name", "")
            roles.append({"name": name, "from": str(act.details["from"]), "to": str(act.details["to"])})
    return Outcome(result, sent.resource, known.before, own, joined, roles)


async def _person(tx: Reading, sent: Sent) -> _Known:
    entry = await tx.first(queries.entry_named(normalised(sent.name)))
    if entry is None:
        return _Known(Create(resource=sent.resource, document=sent.document), {})
    person = await tx.one(people.by_id(entry.id))
    steps = _steps(sent.more)
    return _Known(Patch(resource=sent.resource, id=entry.id, steps=steps), {**entry.document, "active": person.active})


async def _group(tx: Reading, sent: Sent) -> _Known:
    members = await _members(tx, sent.members)
    group = await tx.first(queries.group_named(normalised(sent.name)))
    if group is None:
        return _Known(Create(resource=sent.resource, document={**sent.document, "members": members}), {})
    steps = _steps({**sent.more, "members": members} if members else sent.more)
    return _Known(Patch(resource=sent.resource, id=group.id, steps=steps), dict(group.document))


async def _members(tx: Reading, user_names: tuple[str, ...]) -> list[Document]:
    """Raises ValueRefused for whom nobody knows."""
    wanted = {normalised(one) for one in user_names}
    if any(not one.isprintable() for one in wanted):
        raise ValueRefused(NOBODY, attribute="members")
    found = await tx.all(queries.entries_named(wanted)) if wanted else []
    if len(found) < len(wanted):
        raise ValueRefused(NOBODY, attribute="members")
    return [{"value": str(one.id)} for one in found]


def _steps(document: Document) -> list[Step]:
    return [
        Step(verb=Verb.ADD if name == "members" else Verb.REPLACE, path=Path(attribute=name), value=value)
        for name, value in document.items()
    ]
