"""Workspaces in the registry: reserved and placed, then changed only through the state machine."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.keys import is_key, new_key
from contracts.placements import Placement, State
from control_plane.act import Act
from control_plane.domains import records as domains
from control_plane.placement import queries, records
from control_plane.placement.models import (
    Cell,
    DecisionRow,
    PlacementRow,
    Transition,
    Workspace,
    WorkspaceKey,
)
from control_plane.placement.scoring import CellFacts, Decision, decide, hindrance, lack_of_room
from control_plane.placement.sizes import Size, reserved_for
from control_plane.placement.states import FIRST_EPOCH, RESERVE, RESTORE, CellState, Change, change
from control_plane.sso import records as sso
from kit.calls.refusals import SenderNotAllowed
from kit.database import now
from kit.refusals import Invalid, Kind, NotFound, Refusal

# A reason in an operator's words. Without `@`: an address of a person does not belong here.
WHY = r"[^@\x00-\x1f]{1,200}"
LIFT = 1_000_000  # versions; no workspace changes its state so often between a backup and its restore


class NoCellHasRoom(Refusal):
    """No open cell of the region can take a workspace of this size now."""

    kind = Kind.UNAVAILABLE
    title = "No cell of this region has room for a workspace of this size"
    detail = "Open or add a cell in this region; `verdicts` says what hinders each."
    retry_after_s = 60


class KeyTaken(Refusal):
    """The key was given before; keys are never given twice."""

    kind = Kind.CONFLICT
    title = "This workspace key was given before"
    detail = "Choose another key, or leave it out and have one drawn."


class RequestDiffers(Refusal):
    """The request key was used for something else."""

    kind = Kind.CONFLICT
    title = "This request key was used for another workspace"
    detail = "Repeat the request as it was, or choose another request key."


class RegionIsLaw(Refusal):
    """A workspace never leaves the region that its customer chose."""

    kind = Kind.CONFLICT
    title = "This cell is in another region"
    detail = "Choose a cell of the workspace's own region."


class CellCannotTake(Refusal):
    """The cell that a workspace is to move to has no room for it, or takes nobody."""

    kind = Kind.CONFLICT
    title = "This cell cannot take the workspace"
    detail = "Choose another cell, or open this one or give it more room: cellcast cells open, cellcast cells change."


class OwnerUntold(Refusal):
    """The cell that owns the workspace has not answered yet that it holds the latest state."""

    kind = Kind.UNAVAILABLE
    title = "The present owner has not confirmed the freeze yet"
    detail = "Nothing has changed. Try again once its cell answers: another owner before that would make two who write."
    retry_after_s = 1


@dataclass(frozen=True)
class Wanted:
    """A workspace to be: `request_key` makes a repeated request answer with what the first one made."""

    region: str
    size: Size
    request_key: str
    key: str | None = None


@dataclass(frozen=True)
class Placed:
    """A workspace and where it is."""

    workspace: Workspace
    placement: Placement


async def reserve(act: Act, wanted: Wanted) -> Placed:
    """Choose a cell and reserve room on it; the workspace is `provisioning`, and in every feed, but not in use.

    The first step of a sign-up. Next: the workspace is made in the cell, then `transition` to active, or to
    abandoned where that failed. Raises NotFound for a region, NoCellHasRoom, KeyTaken, RequestDiffers.
    """
    # One sign-up of a region at a time: the next one sees how full this one left the cells.
    if (await act.session.scalars(queries.region_locked(wanted.region))).first() is None:
        raise NotFound(f"There is no region {wanted.region}.")
    made = (await act.session.execute(queries.by_request(wanted.request_key))).first()
    if made is not None:
        return _same(wanted, Placed(made[0], placement_of(made[0], made[1])))
    cells = (await act.session.scalars(queries.cells_of(wanted.region))).all()
    decision = decide(wanted.region, wanted.size, [facts_of(cell) for cell in cells], now())
    if decision.cell is None:
        raise NoCellHasRoom(verdicts=_verdicts(decision))
    return await _place(act, wanted, decision)


async def transition(act: Act, key: str, what: Change, why: str, *, to_cell: str | None = None) -> Placed:
    """Change a placement, as the state machine allows.

    Room on another cell is taken as it is changed to, under the lock that sign-ups take theirs under. An owner changes
    only once the present one has answered that it knows of its freeze, so that there are never two who write. Raises
    NotFound, TransitionRefused, OwnerUntold, Invalid, RegionIsLaw, CellCannotTake.
    """
    if not re.fullmatch(WHY, why):
        raise Invalid("Say why in up to 200 characters, such as a ticket's number; no addresses of people.")
    found = await find(act.session, key)
    if change_moves_load(what):
        # Before the placement's own lock, as in `reserve`: the same order everywhere.
        await act.session.scalars(queries.region_locked(found.workspace.region))
    row = (await act.session.execute(queries.by_key_locked(key))).one()
    workspace, held = row[0], row[1]
    before = placement_of(workspace, held)
    after = change(before, what, to_cell=to_cell)
    if after.epoch != before.epoch and (await act.session.scalars(queries.untold(workspace.id))).first() is not None:
        raise OwnerUntold
    units = workspace.units
    if after.cell != before.cell:
        workspace.units = await _room_on(act.session, workspace, after.cell, what)
    held.cell, held.epoch, held.state, held.version = after.cell, after.epoch, after.state.value, after.version
    held.changed_at = now()
    await _count(act, workspace, before, after, units_before=units)
    await _note(act, workspace, what.value, why, before, after)
    await sso.follow(act, workspace.region, before, after)
    await domains.follow(act, after)
    return Placed(workspace, after)


async def restored(act: Act, why: str) -> int:
    """After a restore of the registry: lift every version above what cells may have heard since; how many there are.

    Cells take only what is later than what they hold, and would ignore the registry until its versions had caught up.
    A cell that holds a higher epoch (the workspace moved after the backup) still refuses, and the teller says so: only
    somebody who knows what was lost can decide that.
    """
    lifted = await act.session.execute(queries.lifted(LIFT))
    await act.session.execute(queries.noted_of_all(RESTORE, act.by.name, why))
    return int(getattr(lifted, "rowcount", 0))


def change_moves_load(what: Change) -> bool:
    """Whether a cell may be fuller or emptier afterwards."""
    return what in {Change.ABANDON, Change.ERASED, Change.HAND_OVER, Change.ROLL_BACK}


async def find(session: AsyncSession, key: str) -> Placed:
    """A workspace by its key. Raises NotFound."""
    row = (await session.execute(queries.by_key(key))).first()
    if row is None:
        raise NotFound(f"There is no workspace {key}." if is_key(key) else "That is no workspace key.")
    return Placed(row[0], placement_of(row[0], row[1]))


async def owned(session: AsyncSession, workspace_id: UUID, cell: str) -> Placed:
    """A workspace that this cell owns, which it goes on doing until the transaction ends.

    Raises NotFound for one that is gone, SenderNotAllowed where another cell owns it by now.
    """
    row = (await session.execute(queries.by_id_locked(workspace_id))).first()
    if row is None or row[1].state == queries.GONE:
        raise NotFound
    if row[1].cell != cell:
        raise SenderNotAllowed
    return Placed(row[0], placement_of(row[0], row[1]))


async def listed(session: AsyncSession, wanted: queries.Filter) -> Sequence[Placed]:
    """A page of workspaces."""
    rows = (await session.execute(queries.listed(wanted))).all()
    return [Placed(row[0], placement_of(row[0], row[1])) for row in rows]


async def decision_of(session: AsyncSession, workspace_id: UUID) -> DecisionRow:
    """Why the workspace got its first cell, as decided then. Raises NotFound."""
    found = await session.get(DecisionRow, workspace_id)
    if found is None:
        raise NotFound
    return found


def facts_of(cell: Cell) -> CellFacts:
    """A cell as scoring sees it."""
    return CellFacts(
        name=cell.name,
        region=cell.region,
        state=CellState(cell.state),
        capacity=cell.capacity,
        weight=cell.weight,
        dedicated=cell.dedicated,
        reserved=cell.reserved,
        workspaces=cell.workspaces,
        large=cell.large,
        measured=cell.measured,
        reserved_then=cell.reserved_then,
        growth=cell.growth,
        heard_at=cell.heard_at,
    )


def placement_of(workspace: Workspace, row: PlacementRow) -> Placement:
    """A placement as the contracts know it."""
    return Placement(workspace.id, workspace.key, row.cell, row.epoch, State(row.state), row.version)


async def _room_on(session: AsyncSession, workspace: Workspace, to_cell: str, what: Change) -> int:
    """The units to take on the cell that a workspace moves to. The caller holds the region's lock."""
    cell = (await session.scalars(queries.cell_fresh(to_cell))).first()
    if cell is None:
        raise NotFound(f"There is no cell {to_cell}.")
    if cell.region != workspace.region:
        raise RegionIsLaw
    size, facts = Size(workspace.size), facts_of(cell)
    # Back to where it was, it may come to a cell that takes nobody new; but it has to fit.
    returns = what is Change.ROLL_BACK and facts.state is not CellState.RETIRED
    hindered = lack_of_room(size, facts) if returns else hindrance(workspace.region, size, facts, now())
    if hindered:
        raise CellCannotTake(f"{to_cell}: {hindered}. {CellCannotTake.detail}", cell=to_cell)
    return reserved_for(size, cell.capacity)


async def _place(act: Act, wanted: Wanted, decision: Decision) -> Placed:
    at = now()
    assert decision.cell is not None
    workspace = Workspace(
        id=uuid4(),
        key=await _give_key(act.session, wanted.key),
        region=wanted.region,
        size=wanted.size.value,
        units=decision.units,
        request_key=wanted.request_key,
        created_at=at,
    )
    placement = Placement(workspace.id, workspace.key, decision.cell, FIRST_EPOCH, State.PROVISIONING, 1)
    act.session.add(workspace)
    await act.session.flush()
    act.session.add(
        PlacementRow(
            workspace_id=workspace.id,
            cell=placement.cell,
            epoch=placement.epoch,
            state=placement.state.value,
            version=placement.version,
            changed_at=at,
        )
    )
    act.session.add(DecisionRow(workspace_id=workspace.id, at=at, cell=decision.cell, verdicts=_verdicts(decision)))
    await _count(act, workspace, None, placement, units_before=0)
    await _note(act, workspace, RESERVE, f"sign-up, {wanted.size}", None, placement)
    return Placed(workspace, placement)


async def _give_key(session: AsyncSession, wanted: str | None) -> str:
    if wanted is not None and not is_key(wanted):
        raise Invalid("A workspace key has 6 to 10 of the characters that keys are made of.")
    while True:
        key = wanted or new_key()
        given = insert(WorkspaceKey).values(key=key, given_at=now()).on_conflict_do_nothing()
        if getattr(await session.execute(given), "rowcount", 0):
            return key
        if wanted is not None:
            raise KeyTaken


def _same(wanted: Wanted, made: Placed) -> Placed:
    there = made.workspace
    if (there.region, there.size) != (wanted.region, wanted.size.value) or wanted.key not in (None, there.key):
        raise RequestDiffers
    return made


async def _count(
    act: Act, workspace: Workspace, before: Placement | None, after: Placement, *, units_before: int
) -> None:
    """Keep the cells' counters: what left, what came."""
    left = before.cell if before is not None and before.state is not State.DELETED else None
    came = after.cell if after.state is not State.DELETED else None
    if left == came:
        return
    large = int(workspace.size == Size.LARGE)
    if left is not None:
        await act.session.execute(queries.occupied(left, -units_before, -1, -large))
    if came is not None:
        await act.session.execute(queries.occupied(came, workspace.units, 1, large))


async def _note(
    act: Act, workspace: Workspace, what: str, why: str, before: Placement | None, after: Placement
) -> None:
    """The transition's row, its audit entry, and what the feeds say of it."""
    act.session.add(
        Transition(
            workspace_id=workspace.id,
            version=after.version,
            epoch=after.epoch,
            at=now(),
            by=act.by.name,
            change=what,
            why=why,
            from_state=None if before is None else before.state.value,
            to_state=after.state.value,
            from_cell=None if before is None else before.cell,
            to_cell=after.cell,
        )
    )
    act.log(
        f"workspace.{what}",
        "workspace",
        str(workspace.id),
        {"key": workspace.key, "cell": after.cell, "epoch": after.epoch, "version": after.version, "why": why},
    )
    for told in records.told_of_placement(workspace.region, before, after):
        act.tell(told)


def _verdicts(decision: Decision) -> list[dict[str, object]]:
    return [asdict(verdict) for verdict in decision.verdicts]
