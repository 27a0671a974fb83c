"""Workspaces and placements, for operators."""

from typing import Annotated

from pydantic import BaseModel, Field

from contracts.placements import State
from control_plane import resources
from control_plane.act import acting
from control_plane.operators.subjects import Operator
from control_plane.placement import queries, service, shown
from control_plane.placement.sizes import Size
from control_plane.placement.states import Change
from kit.refusals import NotFound
from kit.web import Routes

routes = Routes("placement")
V1 = "/api/operators/v1"

# What an operator may do by hand; freezing and handing over belong to moves, erasing to deletion.
BY_HAND = {Change.ACTIVATE, Change.ABANDON, Change.SUSPEND, Change.RESUME}


class Why(BaseModel):
    """An operator's reason."""

    why: Annotated[str, Field(pattern=rf"^{service.WHY}$")]


class NewWorkspace(BaseModel):
    """A workspace to reserve; repeated with the same `request_key` it answers with the same workspace."""

    region: Annotated[str, Field(max_length=31)]
    size: Size
    request_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    key: Annotated[str | None, Field(max_length=10)] = None


class Wanted(BaseModel):
    """Which workspaces to list; `after` is the last key of the page before."""

    region: Annotated[str | None, Field(max_length=31)] = None
    cell: Annotated[str | None, Field(max_length=31)] = None
    state: State | None = None
    after: Annotated[str | None, Field(max_length=10)] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@routes.get(f"{V1}/workspaces", document=True)
async def workspace_index(by: Operator, wanted: Wanted) -> shown.Workspaces:
    """A page of workspaces."""
    async with resources.current().database.outside() as session:
        found = await service.listed(session, queries.Filter(**wanted.model_dump()))
    more = found[-1].workspace.key if len(found) == wanted.limit else None
    return shown.Workspaces(items=[shown.workspace(one) for one in found], after=more)


@routes.post(f"{V1}/workspaces", document=True, status=201)
async def workspace_create(by: Operator, new: NewWorkspace) -> shown.Reserved:
    """Reserve a workspace and place it; it is `provisioning` until the region's sign-up finishes it."""
    plane = resources.current()
    async with acting(plane.database, by.actor) as act:
        made = await service.reserve(act, service.Wanted(**new.model_dump()))
        return shown.reserved(made, plane.settings.sign_up_urls.get(new.region))


@routes.get(f"{V1}/workspaces/<key>", document=True)
async def workspace_show(by: Operator, key: str) -> shown.Workspace:
    """One workspace."""
    async with resources.current().database.outside() as session:
        return shown.workspace(await service.find(session, key))


@routes.post(f"{V1}/workspaces/<key>/<what>", document=True)
async def workspace_change(by: Operator, key: str, what: str, wanted: Why) -> shown.Workspace:
    """Suspend or resume a workspace; activate or abandon one whose sign-up stopped half-way."""
    if what not in BY_HAND:
        raise NotFound
    async with acting(resources.current().database, by.actor) as act:
        return shown.workspace(await service.transition(act, key, Change(what), wanted.why))


@routes.get(f"{V1}/placements/<key>/decision", document=True)
async def explain(by: Operator, key: str) -> shown.Decision:
    """Why the workspace got its cell, as decided then."""
    async with resources.current().database.outside() as session:
        found = await service.find(session, key)
        return shown.decision(found, await service.decision_of(session, found.workspace.id))


@routes.get(f"{V1}/placements/<key>/history", document=True)
async def history(by: Operator, key: str) -> shown.History:
    """Every change of the placement."""
    async with resources.current().database.outside() as session:
        found = await service.find(session, key)
        rows = (await session.scalars(queries.history(found.workspace.id))).all()
    return shown.History(key=key, items=[shown.transition(one) for one in rows])
