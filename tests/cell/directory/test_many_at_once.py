"""Fifty workspaces that sync at the same time: nothing of another one, nothing twice, nothing lost.

With CELLCAST_OPERATIONS=10000 it takes minutes, and finds what is seldom."""

import asyncio
import os
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.directory.models import Entry, Line, Membership
from cell.people.models import Person
from contracts.audit import first_broken
from contracts.directory import Apply, Change, Create, Item, Taken
from contracts.directory_schema import Resource
from tests.cell.directory.idp import Idp, connect, kept, step
from tests.cell.world import World
from tests.servers.postgres import Postgres

WORKSPACES, AT_ONCE = 50, 16
OPERATIONS = int(os.environ.get("CELLCAST_OPERATIONS", "2000"))
WORKERS = 4  # of each workspace, each with people of its own and all with one group
EVERYBODY = 20  # people of a worker at the most
# Each column that says whose row it is: a person, a group, a token, a request.
NAMED = (
    ("people", "id"),
    ("directory_people", "id"),
    ("directory_emails", "person_id"),
    ("directory_groups", "id"),
    ("directory_members", "group_id"),
    ("directory_members", "member_id"),
    ("directory_log", "subject_id"),
    ("directory_log", "token_id"),
    ("directory_log", "request_id"),
    ("directory_reads", "token_id"),
    ("provisioning_tokens", "id"),
)
Sent = dict[UUID | bytes, UUID]  # the workspace that whoever or whatever it is was sent to


@dataclass
class Noting(Idp):
    """It keeps the ids of what it asked for, to compare them with what is in the tables."""

    requests: set[bytes] = field(default_factory=set)

    def asks(self, change: Change, request_id: str = "") -> Apply:
        said = super().asks(change, request_id)
        self.requests.add(bytes.fromhex(said.request_id))
        return said


@dataclass
class Worker:
    """What one client of a workspace has done, as plain values."""

    idp: Idp
    group: UUID
    number: int
    active: dict[UUID, bool] = field(default_factory=dict)
    titles: dict[UUID, str] = field(default_factory=dict)
    within: set[UUID] = field(default_factory=set)
    made: int = 0
    gone: set[UUID] = field(default_factory=set)

    @property
    def mark(self) -> str:
        """What every user name of this workspace begins with."""
        return self.idp.workspace.key

    async def act(self, random: random.Random) -> None:
        """One operation, chosen at random; its answer is looked at."""
        known = list(self.active)
        if not known or (len(known) < EVERYBODY and random.random() < 0.25):
            await self._create(random)
            return
        one = random.choice(known)
        acts = (self._switch, self._title, self._join, self._leave, self._find, self._get, self._list, self._erase)
        weights = (25, 15, 15, 8, 15, 12, 6, 4)
        await random.choices(acts, weights)[0](one, random)

    async def _create(self, random: random.Random) -> None:
        user_name = f"{self.mark}-{self.number}-{self.made}@example.com"
        self.made += 1
        document = {"user_name": user_name, "emails": [{"value": user_name}]}
        change = Create(resource=Resource.PERSON, document=document)
        request = secrets.token_hex(16)
        if random.random() < 0.2:  # sent twice, since the first answer seemed lost
            first, second = await asyncio.gather(*(self.idp.apply(change, request) for _ in range(2)))
            assert kept(first).id == kept(second).id
        else:
            first = await self.idp.apply(change, request)
        self._own(kept(first))
        self.active[kept(first).id] = True
        if random.random() < 0.05:
            with pytest.raises(Taken):
                await self.idp.create(user_name.upper())

    async def _switch(self, one: UUID, random: random.Random) -> None:
        self.active[one] = not self.active[one]
        answer = kept(await self.idp.switch(one, self.active[one]))
        assert answer.document["active"] is self.active[one]

    async def _title(self, one: UUID, random: random.Random) -> None:
        self.titles[one] = secrets.token_hex(4)
        await self.idp.patch(one, step("replace", "title", self.titles[one]))

    async def _join(self, one: UUID, random: random.Random) -> None:
        self.within.add(one)
        await self.idp.patch_group(self.group, step("add", "members", [{"value": str(one)}]))

    async def _leave(self, one: UUID, random: random.Random) -> None:
        self.within.discard(one)
        await self.idp.patch_group(self.group, step("remove", "members", [{"value": str(one)}]))

    async def _find(self, one: UUID, random: random.Random) -> None:
        found = await self.idp.find(["sw", ["user_name"], f"{self.mark}-{self.number}-"], count=200)
        assert {item.id for item in found.items} == set(self.active)

    async def _get(self, one: UUID, random: random.Random) -> None:
        item = await self.idp.get(one)
        self._own(item)
        assert (item.document["active"], item.document.get("title")) == (self.active[one], self.titles.get(one))

    async def _list(self, one: UUID, random: random.Random) -> None:
        for item in (await self.idp.find(count=50)).items:
            self._own(item)

    async def _erase(self, one: UUID, random: random.Random) -> None:
        await self.idp.erase(one)
        self.gone.add(one)
        del self.active[one]
        self.titles.pop(one, None)
        self.within.discard(one)

    def _own(self, item: Item) -> None:
        assert item.document["user_name"].startswith(self.mark), "somebody of another workspace"


@pytest.mark.timeout(900)
async def test_ten_thousand_operations_of_fifty_workspaces(
    world: World, postgres: Postgres, cell_database: str
) -> None:
    groups: list[tuple[Noting, UUID]] = []
    for _ in range(WORKSPACES):
        connected = await connect(world, await world.found())
        idp = Noting(connected.cell, connected.workspace, connected.made)
        groups.append((idp, (await idp.create_group("Everybody")).id))
    workers = [Worker(idp, group, number) for idp, group in groups for number in range(WORKERS)]
    turns, slots = OPERATIONS // len(workers), asyncio.Semaphore(AT_ONCE)

    async def work(worker: Worker, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(turns):
            async with slots:
                await worker.act(chance)

    await asyncio.gather(*(work(worker, seed) for seed, worker in enumerate(workers)))
    for idp, group in groups:
        await _is_as_meant(idp, group, [worker for worker in workers if worker.idp is idp])
        await idp.tally.write()
    sent = _sent(groups, workers)
    everybody = await asyncpg.connect(postgres.superuser_dsn(cell_database))  # row-level security hides nothing from it
    try:
        assert await _astray(everybody, sent) == []
        # Were each sent to the workspace after its own, every column would say so: the comparison sees them all.
        ours = list(dict.fromkeys(sent.values()))
        after = dict(zip(ours, [*ours[1:], ours[0]], strict=True))
        moved = {one: after[at] for one, at in sent.items()}
        assert {(table, column) for table, column, _ in await _astray(everybody, moved)} == set(NAMED)
    finally:
        await everybody.close()


def _sent(groups: list[tuple[Noting, UUID]], workers: list[Worker]) -> Sent:
    sent: Sent = {}
    for idp, group in groups:
        workspace = idp.workspace
        founded = {workspace.admin.id, workspace.agent.id, workspace.owner.id, idp.made.token.id, group}
        sent |= dict.fromkeys(founded | idp.requests, workspace.id)
    for worker in workers:
        sent |= dict.fromkeys(set(worker.active) | worker.gone, worker.idp.workspace.id)
    return sent


async def _astray(connection: Any, sent: Sent) -> list[tuple[str, str, object]]:
    """Rows that name somebody who was sent to another workspace, or stand in one of ours and name nobody of it."""
    ours = set(sent.values())
    found: list[tuple[str, str, object]] = []
    for table, column in NAMED:
        named = await connection.fetch(f"SELECT workspace_id, {column} AS one FROM {table} WHERE {column} IS NOT NULL")
        for workspace_id, one in named:
            if sent.get(one) != workspace_id and (one in sent or workspace_id in ours):
                found.append((table, column, one))
    return found


async def _is_as_meant(idp: Idp, group: UUID, workers: list[Worker]) -> None:
    active = {one: on for worker in workers for one, on in worker.active.items()}
    titles = {one: title for worker in workers for one, title in worker.titles.items()}
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        entries = await tx.all(select(Entry))
        people = {one.id: one.active for one in await tx.all(select(Person))}
        members = set(await tx.all(select(Membership.member_id).where(Membership.group_id == group)))
        requests = await tx.all(select(Line.request_id).where(Line.request_id.is_not(None)))
        audit = await tx.all(select(AuditEntry).order_by(AuditEntry.seq))
    assert {one.id for one in entries} == set(active), "lost, or there once too often"
    assert {one: people[one] for one in active} == active
    assert {one.id: one.document["title"] for one in entries if "title" in one.document} == titles
    assert members == {one for worker in workers for one in worker.within}
    assert not set(people) & {one for worker in workers for one in worker.gone}
    assert max(Counter(requests).values()) == 1
    assert first_broken([(one.stored, one.hash) for one in audit]) is None
    created = [one for one in audit if one.action == "person.create"]
    assert len(created) == sum(worker.made for worker in workers), "each was made once, however often it was sent"
