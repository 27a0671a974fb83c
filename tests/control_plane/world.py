"""A registry on a real PostgreSQL, with words to act on it and to ask it over HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from quart import Quart, Response
from sqlalchemy import delete

from contracts import feed
from contracts.placements import Placement
from control_plane.act import acting
from control_plane.audit.service import Actor
from control_plane.feed import log
from control_plane.ownership.models import OwnershipUntold
from control_plane.placement import cells, service
from control_plane.placement.models import Cell
from control_plane.placement.records import SOURCES
from control_plane.placement.service import Placed, Wanted
from control_plane.placement.sizes import Size
from control_plane.placement.states import Change
from control_plane.resources import ControlPlane
from kit.signing import PublicKeys

BY = Actor("operator", UUID(int=7), "tester")


@dataclass
class World:
    """The registry of one test."""

    plane: ControlPlane
    app: Quart
    token: str = ""

    async def add_cell(
        self, name: str = "eu-1", capacity: int = 1000, *, state: str = "open", dedicated: bool = False
    ) -> Cell:
        """A cell in the region that its name begins with; `state` is "open" or "joining"."""
        async with acting(self.plane.database, BY) as act:
            new = cells.NewCell(name, name[:2], f"http://{name}.localhost:8001", capacity, dedicated=dedicated)
            cell = await cells.add(act, new)
            if state == "open":
                await cells.transition(act, name, "open", "test")
            await cells.heard(act.session, name, cells.Heard(0, 0))
            await act.session.refresh(cell)
            return cell

    async def beat(self, name: str) -> None:
        """A heartbeat of a cell, without which it gets nothing."""
        async with self.plane.database.outside() as session:
            await cells.heard(session, name, cells.Heard(0, 0))

    async def change_cell(self, name: str, what: str) -> Cell:
        async with acting(self.plane.database, BY) as act:
            return await cells.transition(act, name, what, "test")

    async def reserve(
        self, region: str = "eu", size: Size = Size.SMALL, request_key: str | None = None, key: str | None = None
    ) -> Placed:
        async with acting(self.plane.database, BY) as act:
            return await service.reserve(act, Wanted(region, size, request_key or uuid4().hex, key))

    async def change(
        self, key: str, what: Change, to_cell: str | None = None, *, cell_answers: bool = True
    ) -> Placement:
        """A change; of a freeze the cell has heard, if it answers."""
        async with acting(self.plane.database, BY) as act:
            after = (await service.transition(act, key, what, "test", to_cell=to_cell)).placement
        if what is Change.FREEZE and cell_answers:
            async with self.plane.database.outside() as session:
                await session.execute(delete(OwnershipUntold).where(OwnershipUntold.workspace_id == after.workspace_id))
        return after

    async def active(self, region: str = "eu", size: Size = Size.SMALL) -> Placement:
        """A workspace in use."""
        made = await self.reserve(region, size)
        return await self.change(made.workspace.key, Change.ACTIVATE)

    async def cell(self, name: str) -> Cell:
        async with self.plane.database.outside() as session:
            return await cells.get(session, name)

    async def head(self, audience: str) -> tuple[int, int]:
        """Generation and number of the last event."""
        async with self.plane.database.outside() as session:
            found = {one.audience: one for one in await log.heads(session)}
        return found[audience].generation, found[audience].n

    async def replay(self, audience: str, generation: int = 1) -> dict[str, dict[str, feed.Record]]:
        """What a consumer knows that read the whole log from its start."""
        known: dict[str, dict[str, feed.Record]] = {source.kind: {} for source in SOURCES}
        after = 0
        while True:
            async with self.plane.database.outside() as session:
                head, events = await log.read(session, audience, generation, after)
            batch = feed.decode_batch(feed.encode_batch(head, events, self.plane.signing_keys), self.public)
            for event in batch.events:
                if event.record is None:
                    known[event.kind].pop(event.key, None)
                else:
                    known[event.kind][event.key] = event.record
            if batch.upto == batch.head:
                return known
            after = batch.upto

    async def snapshot(self, audience: str) -> feed.Snapshot:
        """A snapshot of the present state."""
        made = await self.plane.snapshots.make(audience)
        return feed.decode_snapshot(made.raw, self.public)

    @property
    def public(self) -> PublicKeys:
        return PublicKeys(key.public for key in self.plane.signing_keys)

    async def ask(
        self, path: str, *, method: str = "GET", json: Mapping[str, object] | None = None, token: str | None = None
    ) -> Response:
        """Ask over HTTP, as the operator unless another token is given; an empty one sends none."""
        word = self.token if token is None else token
        headers = {"Authorization": f"Bearer {word}"} if word else {}
        client = self.app.test_client()
        answer = await client.open(path, method=method, headers=headers, json=json)
        assert isinstance(answer, Response)
        return answer

    async def ask_json(self, path: str, json: Mapping[str, object]) -> int:
        """POST to the operators' API; the status alone."""
        return (await self.ask(f"/api/operators/v1{path}", method="POST", json=json)).status_code

    async def api(self, path: str, json: Mapping[str, object] | None = None, expected: int | None = None) -> Any:
        """Ask the operators' API; its JSON. POST where there is a body."""
        answer = await self.ask(f"/api/operators/v1{path}", method="GET" if json is None else "POST", json=json)
        wanted = expected or (200 if json is None else answer.status_code)
        assert answer.status_code == wanted, await answer.get_data()
        return loads(await answer.get_data())


def loads(raw: bytes | str) -> Any:
    """JSON of any shape."""
    return json.loads(raw)
