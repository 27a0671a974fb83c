"""Whatever happens to the registry, in any order: each feed, replayed, is each snapshot, is the registry."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from contracts.placements import Placement
from control_plane.app import make_app
from control_plane.audit.service import process
from control_plane.domains import service as domains
from control_plane.placement import queries, service
from control_plane.placement.cells import CellExists, CellNotEmpty
from control_plane.placement.models import Cell, PlacementRow, Transition, Workspace
from control_plane.placement.sizes import Size
from control_plane.placement.states import RULES, Change, Owner, TransitionRefused
from control_plane.resources import opened
from control_plane.settings import ControlPlaneSettings
from control_plane.sso import service as sso
from kit.refusals import NotFound
from kit.signing import SigningKey
from tests.control_plane.conftest import numbers
from tests.control_plane.connections import connection_for
from tests.control_plane.world import World
from tests.servers.postgres import Postgres

T = TypeVar("T")
CELLS = ("eu-1", "eu-2", "us-1")
AUDIENCES = ("routing", "identity/eu", "identity/us", *(f"cell/{name}" for name in CELLS))


class Registry(RuleBasedStateMachine):
    """A registry to which anything happens; refusals are right answers too."""

    postgres: Postgres
    template: str

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._database = self.postgres.create_database(f"machine{next(numbers)}", template=self.template)
        self._opening = opened(
            ControlPlaneSettings.model_validate(
                {
                    "url": "http://control-plane.localhost",
                    "go_url": "http://go.localhost",
                    "database_url": self.postgres.app_dsn(self._database),
                    "signing_key": SigningKey.new().to_text(),
                }
            )
        )
        plane = self._await(self._opening.__aenter__())
        self.world = World(plane, make_app(plane))
        for name in CELLS[:2]:
            self._await(self.world.add_cell(name, capacity=60))
        self.keys: list[str] = []

    def teardown(self) -> None:
        self._await(self._opening.__aexit__(None, None, None))
        self._loop.close()
        self.postgres.drop_database(self._database)

    def _await(self, what: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(what)

    @rule(region=st.sampled_from(["eu", "us"]), size=st.sampled_from([Size.SMALL, Size.MEDIUM, Size.LARGE]))
    def sign_up(self, region: str, size: Size) -> None:
        with contextlib.suppress(service.NoCellHasRoom):
            self.keys.append(self._await(self.world.reserve(region, size)).workspace.key)

    @rule(which=st.integers(0, 50), what=st.sampled_from(Change), cell=st.sampled_from(CELLS))
    def change(self, which: int, what: Change, cell: str) -> None:
        if not self.keys:
            return
        to_cell = None if RULES[what].owner is Owner.STAYS else cell
        if to_cell:  # a move makes sure of room at its target before
            there = self._known_cells().get(to_cell)
            if there is None or there.reserved + 40 > there.capacity:
                return
        with contextlib.suppress(TransitionRefused, service.RegionIsLaw):
            self._await(self.world.change(self.keys[which % len(self.keys)], what, to_cell))

    @rule(which=st.integers(0, 50), enabled=st.none() | st.booleans())
    def set_connection(self, which: int, enabled: bool | None) -> None:
        if self.keys:
            self._await(self._set_connection(self.keys[which % len(self.keys)], enabled))

    async def _set_connection(self, key: str, enabled: bool | None) -> None:
        at, database = await self._placement(key), self.world.plane.database
        wanted = None if enabled is None else connection_for(at, enabled=enabled)
        with contextlib.suppress(NotFound):
            await sso.set_connection(database, process(at.cell), at.workspace_id, wanted)

    @rule(which=st.integers(0, 50), digests=st.sets(st.sampled_from([f"{n:064x}" for n in range(5)])))
    def set_domains(self, which: int, digests: set[str]) -> None:
        if self.keys:
            self._await(self._set_domains(self.keys[which % len(self.keys)], digests))

    async def _set_domains(self, key: str, digests: set[str]) -> None:
        at, database = await self._placement(key), self.world.plane.database
        with contextlib.suppress(NotFound):
            await domains.set_domains(database, process(at.cell), at.workspace_id, digests)

    async def _placement(self, key: str) -> Placement:
        async with self.world.plane.database.outside() as session:
            return (await service.find(session, key)).placement

    @rule(name=st.sampled_from(CELLS), what=st.sampled_from(["add", "open", "cordon", "drain", "retire"]))
    def change_cell(self, name: str, what: str) -> None:
        try:
            if what == "add":
                self._await(self.world.add_cell(name, capacity=60))
            else:
                self._await(self.world.change_cell(name, what))
        except (TransitionRefused, CellExists, CellNotEmpty, NotFound):
            pass

    @invariant()
    def feeds_say_what_the_registry_holds(self) -> None:
        known = self._known_cells()
        for audience in AUDIENCES:
            if audience.startswith("cell/") and audience[5:] not in known:
                continue
            assert self._await(self.world.replay(audience)) == self._await(self.world.snapshot(audience)).records

    @invariant()
    def counters_are_what_is_there(self) -> None:
        assert self._await(self._counted()) == {
            name: (cell.reserved, cell.workspaces, cell.large) for name, cell in self._known_cells().items()
        }

    @invariant()
    def the_newest_transition_is_the_placement(self) -> None:
        assert self._await(self._newest()) == self._await(self._placements())

    def _known_cells(self) -> dict[str, Cell]:
        async def known() -> dict[str, Cell]:
            async with self.world.plane.database.outside() as session:
                return {cell.name: cell for cell in (await session.scalars(queries.cells())).all()}

        return self._await(known())

    async def _counted(self) -> dict[str, tuple[int, int, int]]:
        there = PlacementRow.state != "deleted"
        found = (
            select(
                Cell.name,
                func.coalesce(func.sum(Workspace.units).filter(there), 0),
                func.count(Workspace.id).filter(there),
                func.count(Workspace.id).filter(there, Workspace.size == "large"),
            )
            .join_from(Cell, PlacementRow, PlacementRow.cell == Cell.name, isouter=True)
            .join(Workspace, Workspace.id == PlacementRow.workspace_id, isouter=True)
            .group_by(Cell.name)
        )
        async with self.world.plane.database.outside() as session:
            return {name: (int(units), count, large) for name, units, count, large in await session.execute(found)}

    async def _newest(self) -> dict[object, tuple[object, ...]]:
        found = select(Transition).order_by(Transition.workspace_id, Transition.version)
        async with self.world.plane.database.outside() as session:
            rows = (await session.scalars(found)).all()
        return {row.workspace_id: (row.to_cell, row.epoch, row.to_state, row.version) for row in rows}

    async def _placements(self) -> dict[object, tuple[object, ...]]:
        async with self.world.plane.database.outside() as session:
            rows = (await session.scalars(select(PlacementRow))).all()
        return {row.workspace_id: (row.cell, row.epoch, row.state, row.version) for row in rows}


@pytest.mark.timeout(600)
def test_any_order_of_changes(postgres: Postgres, registry_template: str) -> None:
    Registry.postgres, Registry.template = postgres, registry_template
    few = settings(max_examples=5, stateful_step_count=15, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(Registry, settings=few)
