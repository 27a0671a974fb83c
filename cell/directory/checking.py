"""A dry run: what an identity provider that calls with a token sees, and what would become of somebody it sends."""

import json
from dataclasses import dataclass

from cell.directory import finding, queries, values
from cell.directory.models import ProvisioningToken
from cell.domains import service as domains
from cell.people import queries as people
from cell.people.models import Person
from cell.people.service import normalised
from cell.resources import Cell
from contracts.directory import Find, Tree, ValueRefused
from contracts.directory_schema import Resource
from contracts.domains import within
from kit.database import Reading

SHOWN = 20


@dataclass(frozen=True)
class Seen:
    """A page as the token sees it: `accepted` is False for one that has ended, and then nothing is seen."""

    accepted: bool
    total: int
    documents: list[str]  # JSON, indented


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
    documents = [json.dumps(one["document"], indent=2, ensure_ascii=False) for one in json.loads(items)]
    return Seen(True, int(total), documents)


async def would(tx: Reading, user_name: str) -> tuple[str, Person | None]:
    """What would become of a new person of that user name: value | known | link | domain | create; and who is meant."""
    try:
        values.taken(Resource.PERSON, {"user_name": user_name})
    except ValueRefused:
        return "value", None
    person = await tx.first(people.by_email(normalised(user_name)))
    if person is not None and await tx.first(queries.entry(person.id)) is not None:
        return "known", person
    if person is not None:
        return "link", person
    verified = await domains.verified(tx)
    addresses = values.at_work({"user_name": user_name})
    return ("domain" if verified and not all(within(one, verified) for one in addresses) else "create"), None
