"""Sign-ups get a cell, once; what happened is on record; nothing is overfilled, reused or retired by mistake."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import func, select

from contracts.placements import State
from control_plane.act import acting
from control_plane.placement import cells, queries, service
from control_plane.placement.models import Cell, PlacementRow, Workspace
from control_plane.placement.sizes import Size
from control_plane.placement.states import Change, TransitionRefused
from kit.database_errors import DatabaseUnavailable
from kit.refusals import Invalid, NotFound
from tests.control_plane.world import BY, World


async def test_a_sign_up_is_placed_in_its_region_and_is_not_in_use_yet(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("us-1")
    made = await world.reserve("us")
    at = made.placement
    assert (at.cell, at.state, at.epoch, at.version) == ("us-1", State.PROVISIONING, 1, 1)
    assert (await world.cell("us-1")).reserved == 1
    assert (await world.cell("eu-1")).reserved == 0


async def test_the_same_request_makes_one_workspace(world: World) -> None:
    await world.add_cell()
    made = await asyncio.gather(*(world.reserve(request_key="the-same-request") for _ in range(8)))
    assert len({one.workspace.id for one in made}) == 1
    assert (await world.cell("eu-1")).workspaces == 1
    with pytest.raises(service.RequestDiffers):
        await world.reserve(size=Size.LARGE, request_key="the-same-request")


async def test_64_sign_ups_at_once_never_overfill_a_cell(world: World) -> None:
    for number, capacity in enumerate((10, 7, 5, 9), start=1):
        await world.add_cell(f"eu-{number}", capacity)
    made = await asyncio.gather(*(_comes_again(world) for _ in range(64)), return_exceptions=True)
    placed = [one for one in made if isinstance(one, service.Placed)]
    assert len(placed) == 31
    assert {type(one) for one in made} == {service.Placed, service.NoCellHasRoom}
    for number, capacity in enumerate((10, 7, 5, 9), start=1):
        cell = await world.cell(f"eu-{number}")
        assert cell.reserved == cell.workspaces == capacity == await _living_on(world, cell.name)


async def _comes_again(world: World) -> service.Placed:
    """Signs up as people do: whoever finds no connection free within its time comes again."""
    while True:
        with suppress(DatabaseUnavailable):
            return await world.reserve()


async def test_cells_that_close_during_sign_ups_get_nothing_after_it(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")

    async def close() -> int:
        await world.change_cell("eu-1", "cordon")
        return await _living_on(world, "eu-1")

    outcomes = await asyncio.gather(
        *(world.reserve() for _ in range(20)), close(), *(world.reserve() for _ in range(20))
    )
    assert await _living_on(world, "eu-1") == outcomes[20]


async def test_what_hinders_each_cell_is_said_where_none_has_room(world: World) -> None:
    await world.add_cell("eu-1", capacity=30)
    await world.add_cell("eu-2", state="joining")
    with pytest.raises(service.NoCellHasRoom) as refused:
        await world.reserve(size=Size.LARGE)
    verdicts = refused.value.facts["verdicts"]
    assert isinstance(verdicts, list)
    reasons = {one["cell"]: one["reason"] for one in verdicts}
    assert reasons == {"eu-1": "no room: 0 of 30 units used, 40 needed", "eu-2": "not open: joining"}
    assert await _keys_given(world) == 0


async def test_a_decision_is_explained_as_it_was_made(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")
    await world.reserve(size=Size.MEDIUM)
    made = await world.reserve()
    await world.change_cell("eu-1", "cordon")  # what came later is no part of it
    async with world.plane.database.outside() as session:
        row = await service.decision_of(session, made.workspace.id)
    assert row.cell == made.placement.cell == "eu-2"
    assert [(one["cell"], one["reason"]) for one in row.verdicts] == [
        ("eu-2", "chosen"),
        ("eu-1", "0.8 points behind eu-2, mostly load: it costs 0.9 here, 0.1 there"),
    ]


async def test_a_key_is_never_given_twice(world: World) -> None:
    await world.add_cell()
    await world.reserve(key="dmkrt234")
    with pytest.raises(service.KeyTaken):
        await world.reserve(key="dmkrt234")
    await world.change("dmkrt234", Change.ABANDON)
    with pytest.raises(service.KeyTaken):
        await world.reserve(key="dmkrt234")
    with pytest.raises(Invalid):
        await world.reserve(key="admin")


async def test_an_undone_sign_up_gives_its_room_back(world: World) -> None:
    await world.add_cell(capacity=40)
    made = await world.reserve(size=Size.LARGE)
    with pytest.raises(service.NoCellHasRoom):
        await world.reserve()
    await world.change(made.workspace.key, Change.ABANDON)
    cell = await world.cell("eu-1")
    assert (cell.reserved, cell.workspaces, cell.large) == (0, 0, 0)
    assert (await world.reserve()).placement.cell == "eu-1"


async def test_a_dedicated_workspace_gets_a_cell_of_its_own(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2", dedicated=True)
    assert (await world.reserve(size=Size.DEDICATED)).placement.cell == "eu-2"
    assert (await world.reserve()).placement.cell == "eu-1"
    with pytest.raises(service.NoCellHasRoom):
        await world.reserve(size=Size.DEDICATED)


async def test_every_change_is_a_row(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")
    at = await world.active()
    other = "eu-2" if at.cell == "eu-1" else "eu-1"
    await world.change(at.key, Change.FREEZE)
    await world.change(at.key, Change.HAND_OVER, other)
    with pytest.raises(TransitionRefused):
        await world.change(at.key, Change.RESUME)
    async with world.plane.database.outside() as session:
        rows = (await session.scalars(queries.history(at.workspace_id))).all()
    assert [(row.version, row.epoch, row.change, row.from_state, row.to_state) for row in rows] == [
        (1, 1, "reserve", None, "provisioning"),
        (2, 1, "activate", "provisioning", "active"),
        (3, 1, "freeze", "active", "frozen"),
        (4, 2, "hand-over", "frozen", "active"),
    ]
    assert (rows[3].from_cell, rows[3].to_cell, rows[3].by, rows[3].why) == (at.cell, other, "tester", "test")
    assert {(await world.cell(name)).workspaces for name in (at.cell, other)} == {0, 1}


async def test_two_changes_at_once_happen_one_after_the_other(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    tried = [world.change(at.key, Change.SUSPEND) for _ in range(6)]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(one, TransitionRefused) for one in outcomes) == 5
    async with world.plane.database.outside() as session:
        assert (await service.find(session, at.key)).placement.version == 3


async def test_a_workspace_never_leaves_its_region(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("us-1")
    at = await world.active("eu")
    await world.change(at.key, Change.FREEZE)
    with pytest.raises(service.RegionIsLaw):
        await world.change(at.key, Change.HAND_OVER, "us-1")


async def test_moves_and_sign_ups_at_once_never_overfill_a_cell(world: World) -> None:
    """Twelve workspaces and twelve sign-ups want the seven places of a cell at the same time."""
    await world.add_cell("eu-1")
    frozen = [(await world.active()).key for _ in range(12)]
    for key in frozen:
        await world.change(key, Change.FREEZE)
    await world.change_cell("eu-1", "cordon")
    await world.add_cell("eu-2", capacity=7)
    moves = [world.change(key, Change.HAND_OVER, "eu-2") for key in frozen]
    outcomes = await asyncio.gather(*moves, *(world.reserve() for _ in range(12)), return_exceptions=True)
    refused = {type(one) for one in outcomes if isinstance(one, Exception)}
    assert refused <= {service.CellCannotTake, service.NoCellHasRoom}
    assert sum(not isinstance(one, Exception) for one in outcomes) == 7
    cell = await world.cell("eu-2")
    assert cell.reserved == cell.workspaces == 7 == await _living_on(world, "eu-2")
    assert (await world.cell("eu-1")).reserved == await _living_on(world, "eu-1")


async def test_a_move_goes_to_a_cell_that_takes_it_and_back_where_it_fits(world: World) -> None:
    await world.add_cell("eu-1", capacity=40)
    at = await world.active(size=Size.LARGE)
    await world.change(at.key, Change.FREEZE)
    await world.add_cell("eu-2", capacity=100, state="joining")
    await world.add_cell("eu-3", capacity=30)
    await world.add_cell("eu-4", capacity=100, dedicated=True)
    for cell, why in {"eu-2": "not open", "eu-3": "no room: 0 of 30", "eu-4": "kept for a dedicated"}.items():
        with pytest.raises(service.CellCannotTake, match=why):
            await world.change(at.key, Change.HAND_OVER, cell)
    with pytest.raises(NotFound):
        await world.change(at.key, Change.HAND_OVER, "eu-9")
    await world.change_cell("eu-2", "open")
    await world.change_cell("eu-1", "cordon")
    await world.change(at.key, Change.HAND_OVER, "eu-2")
    await world.change(at.key, Change.FREEZE)
    assert (await world.change(at.key, Change.ROLL_BACK, "eu-1")).cell == "eu-1"  # though it takes nobody new
    counts = [(one.reserved, one.large) for one in [await world.cell("eu-1"), await world.cell("eu-2")]]
    assert counts == [(40, 1), (0, 0)]


async def test_there_is_no_other_owner_before_the_present_one_knows_of_its_freeze(world: World) -> None:
    """Else the old cell, which was away, would go on writing beside the new one."""
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")
    at = await world.active()
    other = "eu-2" if at.cell == "eu-1" else "eu-1"
    await world.change(at.key, Change.FREEZE, cell_answers=False)
    for what, to in ((Change.HAND_OVER, other), (Change.ROLL_BACK, at.cell)):
        with pytest.raises(service.OwnerUntold):
            await world.change(at.key, what, to)
    await world.change(at.key, Change.THAW)
    await world.change(at.key, Change.FREEZE)
    assert (await world.change(at.key, Change.HAND_OVER, other)).cell == other


async def test_after_a_restore_the_registrys_word_counts_anew(world: World) -> None:
    await world.add_cell("eu-1")
    kept, gone = await world.active(), await world.active()
    await world.change(gone.key, Change.DELETE)
    await world.change(gone.key, Change.ERASED)

    async with acting(world.plane.database, BY) as act:
        assert await service.restored(act, "OPS-1: restored") == 1

    async with world.plane.database.outside() as session:
        lifted = (await service.find(session, kept.key)).placement
    assert (lifted.epoch, lifted.state) == (kept.epoch, kept.state)
    assert lifted.version == kept.version + service.LIFT
    history = (await world.api(f"/placements/{kept.key}/history"))["items"]
    assert [(one["change"], one["version"], one["why"]) for one in history][-1] == (
        "restore",
        lifted.version,
        "OPS-1: restored",
    )
    assert (await world.change(kept.key, Change.SUSPEND)).version == lifted.version + 1


async def test_a_dedicated_workspace_fills_the_cell_that_it_moves_to(world: World) -> None:
    await world.add_cell("eu-1", capacity=100, dedicated=True)
    at = await world.active(size=Size.DEDICATED)
    await world.change(at.key, Change.FREEZE)
    await world.add_cell("eu-2", capacity=300, dedicated=True)
    await world.change(at.key, Change.HAND_OVER, "eu-2")
    assert [(await world.cell(name)).reserved for name in ("eu-1", "eu-2")] == [0, 300]


async def test_a_reason_is_demanded_and_holds_no_address(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    for why in ("", "because anna@example.com asked", "x" * 201, "two\nlines"):
        async with acting(world.plane.database, BY) as act:
            with pytest.raises(Invalid):
                await service.transition(act, at.key, Change.SUSPEND, why)


async def test_a_cell_that_owns_anything_is_not_retired(world: World) -> None:
    await world.add_cell("eu-1")
    at = await world.active()
    await world.change_cell("eu-1", "drain")
    with pytest.raises(cells.CellNotEmpty) as refused:
        await world.change_cell("eu-1", "retire")
    assert refused.value.facts == {"workspaces": [at.key], "count": 1}
    await world.change(at.key, Change.DELETE)
    with pytest.raises(cells.CellNotEmpty):
        await world.change_cell("eu-1", "retire")
    await world.change(at.key, Change.ERASED)
    assert (await world.change_cell("eu-1", "retire")).state == "retired"
    with pytest.raises(cells.CellExists):
        await world.add_cell("eu-1")


async def test_a_third_cell_gets_the_next_workspaces_until_it_is_cordoned(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")
    for _ in range(10):
        await world.active()
    await world.add_cell("eu-3")
    assert {(await world.active()).cell for _ in range(5)} == {"eu-3"}
    await world.change_cell("eu-3", "cordon")
    assert "eu-3" not in {(await world.active()).cell for _ in range(5)}
    await world.change_cell("eu-3", "open")
    assert (await world.active()).cell != "eu-3" or (await world.cell("eu-3")).workspaces > 5


async def test_a_heartbeat_changes_what_the_next_sign_up_sees(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")
    async with world.plane.database.outside() as session:
        await cells.heard(session, "eu-1", cells.Heard(load=500, growth=0))
    assert {(await world.reserve()).placement.cell for _ in range(3)} == {"eu-2"}
    async with world.plane.database.outside() as session:
        with pytest.raises(NotFound):
            await cells.heard(session, "eu-9", cells.Heard(load=0, growth=0))


@pytest.mark.parametrize(
    "new",
    [
        cells.NewCell("eu1", "eu", "https://eu-1.example", 10),
        cells.NewCell("us-1", "eu", "https://us-1.example", 10),
        cells.NewCell("eu-1", "eu", "https://eu-1.example/path", 10),
        cells.NewCell("eu-1", "eu", "ftp://eu-1.example", 10),
        cells.NewCell("eu-1", "eu", "https://eu-1.example", 0),
        cells.NewCell("eu-1", "eu", "https://eu-1.example", 10, weight=0),
    ],
)
async def test_an_odd_cell_is_refused(world: World, new: cells.NewCell) -> None:
    async with acting(world.plane.database, BY) as act:
        with pytest.raises(Invalid):
            await cells.add(act, new)


async def test_the_database_itself_refuses_an_overfilled_cell(world: World) -> None:
    await world.add_cell("eu-1", capacity=5)
    connection = await asyncpg.connect(world.plane.settings.database_url)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("update cells set reserved = 6 where name = 'eu-1'")
    await connection.close()


async def test_a_region_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        await world.reserve("mars")


async def test_deleted_workspaces_are_listed_only_when_asked_for(world: World) -> None:
    await world.add_cell()
    kept, gone = await world.active(), await world.reserve(request_key=uuid4().hex)
    await world.change(gone.workspace.key, Change.ABANDON)
    async with world.plane.database.outside() as session:
        living = await service.listed(session, queries.Filter())
        deleted = await service.listed(session, queries.Filter(state="deleted"))
    assert [one.workspace.key for one in living] == [kept.key]
    assert [one.workspace.key for one in deleted] == [gone.workspace.key]


async def _living_on(world: World, cell: str) -> int:
    found = (
        select(func.coalesce(func.sum(Workspace.units), 0))
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(PlacementRow.cell == cell, PlacementRow.state != "deleted")
    )
    async with world.plane.database.outside() as session:
        assert await session.scalar(select(func.count()).select_from(Cell).where(Cell.name == cell)) == 1
        return int(await session.scalar(found) or 0)


async def _keys_given(world: World) -> int:
    connection = await asyncpg.connect(world.plane.settings.database_url)
    try:
        return int(await connection.fetchval("select count(*) from workspace_keys"))
    finally:
        await connection.close()
