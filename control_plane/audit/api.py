"""The global audit log, for operators: in a form that `contracts/audit.py` verifies anywhere."""

from typing import Annotated

from pydantic import BaseModel, Field

from control_plane import resources
from control_plane.audit import service
from control_plane.operators.subjects import Operator
from kit.web import Routes

routes = Routes("audit")


class Beyond(BaseModel):
    """Which entries."""

    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class Entry(BaseModel):
    """What the hash covers, and the hash in hex."""

    stored: dict[str, object]
    hash: str


class Entries(BaseModel):
    """A page of the log, oldest first."""

    items: list[Entry]


@routes.get("/api/operators/v1/audit", document=True)
async def index(by: Operator, wanted: Beyond) -> Entries:
    """Entries beyond a sequence number."""
    async with resources.current().database.outside() as session:
        found = await service.after(session, wanted.after, wanted.limit)
    return Entries(items=[Entry(stored=one.stored, hash=one.hash.hex()) for one in found])
