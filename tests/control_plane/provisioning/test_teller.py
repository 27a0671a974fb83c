"""Cells are told what they own: soon, until they have answered, and nothing is forgotten."""

import asyncio
import time
from uuid import UUID

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from cell.ownership.gate import Held
from cell.workspaces import service as workspaces
from contracts.placements import State
from contracts.placing import OWNERSHIP_SET, Placed, SetOwnership
from control_plane.act import acting
from control_plane.ownership import teller as under_test
from control_plane.ownership.models import OwnershipUntold
from control_plane.ownership.teller import Teller
from control_plane.placement import service as placement
from control_plane.placement.states import Change
from kit.calls import PeerUnavailable
from kit.calls.operations import A, Operation, Q
from kit.database_errors import WorkspaceFrozen
from tests.control_plane.provisioning.conftest import Site
from tests.control_plane.provisioning.test_saga import placement_of, sign_ups, wanted
from tests.control_plane.world import BY, World


@pytest.fixture
async def placed(site: Site) -> Placed:
    return await sign_ups(site).sign_up(wanted())


async def change(site: Site, one: Placed, what: Change) -> None:
    async with acting(site.registry.database, BY) as act:
        await placement.transition(act, one.key, what, "test")


async def held(site: Site, workspace_id: UUID) -> Held | None:
    row = await workspaces.ownership_of(site.cell.database, workspace_id)
    return None if row is None else Held(row.epoch, row.version, State(row.state))


async def untold(site: Site, one: Placed) -> OwnershipUntold | None:
    async with site.registry.database.outside() as session:
        found = select(OwnershipUntold).where(OwnershipUntold.workspace_id == one.workspace_id)
        return (await session.scalars(found)).first()


class Away:
    """The cell does not answer."""

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        raise PeerUnavailable


async def tell(site: Site) -> None:
    while await Teller(site.registry.database, site.registry_calls).round():
        pass


async def test_each_change_of_state_reaches_the_cell(site: Site, placed: Placed) -> None:
    for what, state in (
        (Change.SUSPEND, State.SUSPENDED),
        (Change.RESUME, State.ACTIVE),
        (Change.FREEZE, State.FROZEN),
    ):
        await change(site, placed, what)
        await tell(site)
        now = await held(site, placed.workspace_id)
        assert now is not None and now.state is state
        assert await untold(site, placed) is None


async def test_a_suspension_is_felt_within_a_second(site: Site, placed: Placed) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Teller(site.registry.database, site.registry_calls).run(stop))
    await change(site, placed, Change.SUSPEND)
    began = time.monotonic()
    try:
        async with asyncio.timeout(60):
            while True:
                async with site.cell.database.writing(placed.workspace_id):
                    pass
    except WorkspaceFrozen:
        assert time.monotonic() - began < 1
    stop.set()
    await running


async def test_a_cell_that_is_away_is_told_later_and_of_the_last_state_alone(site: Site, placed: Placed) -> None:
    await tell(site)
    before = await held(site, placed.workspace_id)
    await change(site, placed, Change.SUSPEND)
    await Teller(site.registry.database, Away()).round()
    waiting = await untold(site, placed)
    assert waiting is not None and waiting.tries == 1
    assert await held(site, placed.workspace_id) == before
    await change(site, placed, Change.RESUME)
    waiting = await untold(site, placed)
    assert waiting is not None and waiting.tries == 0  # something new to say is said at once
    await tell(site)
    after = await held(site, placed.workspace_id)
    assert before is not None and after == Held(before.epoch, before.version + 2, State.ACTIVE)


async def test_what_changed_while_it_was_being_told_is_told_again(site: Site, placed: Placed) -> None:
    class Slow:
        async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
            answer = await site.registry_calls.call(peer, operation, request)
            await change(site, placed, Change.RESUME)
            return answer

    await tell(site)
    await change(site, placed, Change.SUSPEND)
    assert await Teller(site.registry.database, Slow()).round() == 1
    assert await untold(site, placed) is not None
    await tell(site)
    now = await held(site, placed.workspace_id)
    assert now is not None and now.state is State.ACTIVE


async def test_after_a_restore_the_cell_takes_the_registrys_word_again(site: Site, placed: Placed) -> None:
    """The cell knows of changes that the registry has forgotten with the restore."""
    await tell(site)
    known = await held(site, placed.workspace_id)
    assert known is not None
    forgotten = SetOwnership(
        workspace_id=placed.workspace_id, epoch=known.epoch, version=known.version + 4, state=State.ACTIVE
    )
    await site.registry_calls.call("eu-1", OWNERSHIP_SET, forgotten)

    await change(site, placed, Change.SUSPEND)
    await tell(site)
    now = await held(site, placed.workspace_id)
    assert now is not None and now.state is State.ACTIVE, "the cell holds something later"
    assert await untold(site, placed) is not None, "and that is not forgotten"

    async with acting(site.registry.database, BY) as act:
        await placement.restored(act, "OPS-1: restored")
    await tell(site)
    now = await held(site, placed.workspace_id)
    assert now is not None and now.state is State.SUSPENDED
    assert await untold(site, placed) is None


class Answering:
    """Cells that take what they are told. Of `us-1` no answer ever comes; the first word meets a fault, if wanted."""

    def __init__(self, *, fault: bool = False) -> None:
        self.hangs, self.told, self.fault = asyncio.Event(), asyncio.Event(), fault

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        if self.fault:
            self.fault = False
            raise RuntimeError("of ours")
        if peer == "us-1":
            self.hangs.set()
            await asyncio.Event().wait()
        self.told.set()
        return operation.answer.model_validate(request.model_dump(exclude={"workspace_id"}))


async def test_a_cell_that_hangs_keeps_no_other_waiting(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("us-1")
    here, _ = await world.active("eu"), await world.active("us")
    calls, stop = Answering(), asyncio.Event()
    running = asyncio.create_task(Teller(world.plane.database, calls).run(stop))
    async with asyncio.timeout(60):
        await calls.hangs.wait()
        await calls.told.wait()
        calls.told.clear()
        await world.change(here.key, Change.FREEZE, cell_answers=False)
        began = time.monotonic()
        await calls.told.wait()
    assert time.monotonic() - began < 1
    stop.set()
    await running


async def test_a_fault_of_ours_is_said_and_telling_goes_on(world: World) -> None:
    await world.add_cell("eu-1")
    await world.active("eu")
    calls, stop = Answering(fault=True), asyncio.Event()
    with capture_logs() as lines:
        running = asyncio.create_task(Teller(world.plane.database, calls).run(stop))
        async with asyncio.timeout(60):
            await calls.told.wait()
    assert [line["event"] for line in lines] == ["nothing told"]
    stop.set()
    await running


async def test_a_cell_that_holds_something_later_is_not_struck_off(site: Site, placed: Placed) -> None:
    """As after a restore of the registry: what it says changes nothing there, and that is not taken for done."""
    await tell(site)
    later = SetOwnership(workspace_id=placed.workspace_id, epoch=1, version=9, state=State.ACTIVE)
    await site.registry_calls.call("eu-1", OWNERSHIP_SET, later)
    await change(site, placed, Change.SUSPEND)
    with capture_logs() as lines:
        assert await Teller(site.registry.database, site.registry_calls).round() == 0
    assert [line["reason"] for line in lines if line["event"] == "not told"] == ["cell-is-ahead"]
    assert await untold(site, placed) is not None


async def test_pauses_grow_up_to_a_minute(site: Site, placed: Placed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "FIRST_PAUSE_S", 0)
    await change(site, placed, Change.SUSPEND)
    for number in range(1, 4):
        await Teller(site.registry.database, Away()).round()
        waiting = await untold(site, placed)
        assert waiting is not None and waiting.tries == number
    await tell(site)


async def test_a_sign_up_is_told_of_once_it_is_whole_and_a_given_up_one_leaves_nothing_to_tell(site: Site) -> None:
    one = wanted()
    reserved = await placement_of(site, one)
    assert await untold(site, reserved) is None
    await sign_ups(site).sweep(0)
    await tell(site)
    assert await untold(site, reserved) is None
    assert await held(site, reserved.workspace_id) == Held(1, 2, State.DELETED)
