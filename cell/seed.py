"""Founding a workspace in this cell: its people, and if wanted an API token and a first link."""

from uuid import UUID

from pydantic import BaseModel

from cell import resources
from cell.actors import SYSTEM
from cell.links import service as links
from cell.people import service as people
from cell.settings import CellSettings
from cell.tokens import service as tokens
from cell.workspaces import service as workspaces


class SeedWorkspace(BaseModel):
    """The workspace."""

    id: UUID
    key: str
    name: str


class SeedLink(BaseModel):
    """A first link."""

    title: str
    note: str = ""
    ticket: str = ""
    max_uses: int = 100


class Seed(BaseModel):
    """What a workspace begins with."""

    workspace: SeedWorkspace
    people: list[people.NewPerson]
    api_token: bool = False
    link: SeedLink | None = None


async def found(settings: CellSettings, wanted: Seed) -> dict[str, str]:
    """Found the workspace; what is shown once: `api_token` and `link_url`. Empty where it is here already."""
    new = workspaces.NewWorkspace(wanted.workspace.id, wanted.workspace.key, wanted.workspace.name)
    answer: dict[str, str] = {}
    async with resources.opened(settings, "seed") as cell:
        if not await workspaces.claim(cell.database, new):
            return {}
        async with cell.database.writing(new.id) as tx:
            workspaces.found(tx, new)
            await tx.flush()
            made = [await people.create(tx, SYSTEM, one) for one in wanted.people]
            if wanted.api_token:
                token = tokens.NewToken(name="First token", scopes=list(tokens.SCOPES))
                answer["api_token"] = (await tokens.create(tx, SYSTEM, new.key, token)).word.text
            if wanted.link is not None:
                by = SYSTEM if not made else people.actor_of(made[-1])
                link = links.NewLink.model_validate(wanted.link.model_dump())
                answer["link_url"] = (await links.create(tx, by, settings.go_url, link)).url
    return answer
