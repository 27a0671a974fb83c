"""Furnishing a workspace of this cell, for demos and tests: people, and if wanted an API token and a first link."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from cell import resources
from cell.actors import SYSTEM
from cell.audit import service as audit
from cell.domains import queries as domain_queries
from cell.domains import service as domains
from cell.links import service as links
from cell.people import queries
from cell.people import service as people
from cell.settings import CellSettings
from cell.signup.confirming import OPEN_LINKS
from cell.tokens import service as tokens
from cell.workspaces import service as workspaces
from contracts.signing_in import DomainChecked


class SeedLink(BaseModel):
    """A first link."""

    title: str
    note: str = ""
    ticket: str = ""
    max_uses: int = 100


class Seed(BaseModel):
    """What a workspace that was signed up is to get, its founder's address taken as confirmed."""

    workspace_id: UUID
    people: Annotated[list[people.NewPerson], Field(min_length=1)]
    api_token: bool = False
    link: SeedLink | None = None
    domain: str = ""  # taken as proved, as one of a demo can never be by DNS (RFC 6761)


async def furnish(settings: CellSettings, wanted: Seed) -> dict[str, str]:
    """Furnish it; what is shown once: `api_token` and `link_url`. Raises NotFound where it is not here.

    People who are there already stay as they are, so that it can be repeated.
    """
    answer: dict[str, str] = {}
    prepared = [await people.prepare(one) for one in wanted.people]
    async with resources.opened(settings, "seed") as cell, cell.database.writing(wanted.workspace_id) as tx:
        workspace = await workspaces.get_locked(tx)
        if workspace.confirmed_at is None:
            workspaces.confirmed(workspace, OPEN_LINKS)
            await audit.append(tx, SYSTEM, "workspace.confirm", audit.Target("workspace", tx.workspace_id))
        there = [
            await tx.first(queries.by_email(people.normalised(one.new.email))) or await people.create(tx, SYSTEM, one)
            for one in prepared
        ]
        if wanted.api_token:
            token = tokens.NewToken(name="First token", scopes=list(tokens.SCOPES))
            answer["api_token"] = (await tokens.create(tx, SYSTEM, workspace.key, token)).word.text
        if wanted.domain and not await tx.all(domain_queries.everything()):
            domain = await domains.add(tx, SYSTEM, wanted.domain)
            await domains.checked(tx, SYSTEM, domain.id, DomainChecked(found=True))
        if wanted.link is not None:
            link = links.NewLink.model_validate(wanted.link.model_dump())
            answer["link_url"] = (await links.create(tx, people.actor_of(there[-1]), settings.go_url, link)).url
    return answer
