"""Domains in the registry: a workspace's whole set at once, bounded a domain, whatever happens at the same time."""

import asyncio
from itertools import cycle

import asyncpg
import pytest
from sqlalchemy import select

from contracts.domains import DOMAINS, MOST_WORKSPACES, digest, workspaces_of
from contracts.placements import Placement
from contracts.signing_in import DomainTaken
from control_plane.audit import service as audit
from control_plane.audit.models import AuditEntry
from control_plane.domains import service
from control_plane.domains.models import DomainRow
from control_plane.placement.states import Change
from kit.calls.refusals import SenderNotAllowed
from kit.refusals import NotFound
from tests.control_plane.world import World
from tests.servers.postgres import Postgres

KEY = b"k" * 32
ACME, GLOBEX, INITECH = (digest(KEY, f"{name}.example") for name in ("acme", "globex", "initech"))


async def put(world: World, at: Placement, *digests: str, cell: str = "") -> None:
    await service.set_domains(world.plane.database, audit.process(cell or at.cell), at.workspace_id, digests)


async def told(world: World, audience: str = "routing") -> dict[str, set[str]]:
    """What the feed says, read as the router reads it; a snapshot says the same."""
    known = (await world.replay(audience))[DOMAINS]
    assert (await world.snapshot(audience)).records[DOMAINS] == known
    return {one: set(workspaces_of(one, record)) for one, record in known.items()}


async def test_a_set_replaces_the_set_before_and_only_what_changed_is_told(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    await put(world, at, ACME, GLOBEX, ACME)
    assert await told(world) == {ACME: {at.key}, GLOBEX: {at.key}}
    _, before = await world.head("routing")
    await put(world, at, GLOBEX, ACME)
    assert await world.head("routing") == (1, before)
    await put(world, at, INITECH, GLOBEX)
    assert await told(world) == {INITECH: {at.key}, GLOBEX: {at.key}}
    assert await world.head("routing") == (1, before + 2)
    await put(world, at)
    assert await told(world) == {}
    async with world.plane.database.outside() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "domains.set"))).all()
    facts = {"key": at.key, "cell": at.cell}
    assert [one.stored["details"] for one in entries] == [
        {**facts, "count": 2, "added": 2, "removed": 0},
        {**facts, "count": 2, "added": 1, "removed": 1},
        {**facts, "count": 0, "added": 0, "removed": 2},
    ]
    assert not any(one in str(entry.stored) for entry in entries for one in (ACME, GLOBEX, INITECH))


async def test_only_routers_hear_of_domains(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    await put(world, at, ACME)
    for audience in ("identity/eu", "cell/eu-1"):
        assert await told(world, audience) == {}


async def test_workspaces_share_a_domain_and_each_may_leave_it(world: World) -> None:
    await world.add_cell()
    one, other = await world.active(), await world.active()
    await put(world, one, ACME)
    await put(world, other, ACME, GLOBEX)
    assert await told(world) == {ACME: {one.key, other.key}, GLOBEX: {other.key}}
    await put(world, one)
    assert await told(world) == {ACME: {other.key}, GLOBEX: {other.key}}


async def test_only_the_owner_sets_them(world: World) -> None:
    for name in ("eu-1", "eu-2"):
        await world.add_cell(name)
    at = await world.active()
    with pytest.raises(SenderNotAllowed):
        await put(world, at, ACME, cell={"eu-1": "eu-2", "eu-2": "eu-1"}[at.cell])
    assert await told(world) == {}


async def test_a_suspended_workspace_keeps_its_domains_and_a_deleted_one_does_not(world: World) -> None:
    await world.add_cell()
    one, other = await world.active(), await world.active()
    await put(world, one, ACME, GLOBEX)
    await put(world, other, ACME)
    await world.change(one.key, Change.SUSPEND)
    assert await told(world) == {ACME: {one.key, other.key}, GLOBEX: {one.key}}
    await world.change(one.key, Change.DELETE)
    await world.change(one.key, Change.ERASED)
    assert await told(world) == {ACME: {other.key}}
    with pytest.raises(NotFound):
        await put(world, one, ACME)
    async with world.plane.database.outside() as session:
        rows = (await session.scalars(select(DomainRow))).all()
    assert [(row.digest.hex(), row.workspace_id) for row in rows] == [(ACME, other.workspace_id)]


async def test_workspaces_that_come_at_once_never_exceed_the_bound_and_never_wait_for_one_another(
    world: World,
) -> None:
    await world.add_cell()
    placed = [await world.active() for _ in range(MOST_WORKSPACES + 4)]
    # Every other one names the two domains the other way round: locks taken in the order given would deadlock.
    orders = cycle([(ACME, GLOBEX), (GLOBEX, ACME)])
    outcomes = await asyncio.gather(
        *(put(world, at, *order) for at, order in zip(placed, orders, strict=False)), return_exceptions=True
    )
    refused = [one for one in outcomes if one is not None]
    assert len(refused) == 4 and all(isinstance(one, DomainTaken) for one in refused), refused
    holders = {at.key for at, outcome in zip(placed, outcomes, strict=True) if outcome is None}
    assert await told(world) == {ACME: holders, GLOBEX: holders}
    # One that leaves makes room.
    inside = next(at for at in placed if at.key in holders)
    outside = next(at for at in placed if at.key not in holders)
    with pytest.raises(DomainTaken) as taken:
        await put(world, outside, ACME, INITECH)
    assert taken.value.facts == {"digests": [ACME]}
    assert INITECH not in await told(world)
    await put(world, inside)
    await put(world, outside, ACME, INITECH)
    assert (await told(world))[ACME] == holders - {inside.key} | {outside.key}


async def test_a_workspace_that_changes_its_set_and_is_deleted_at_once_leaves_nothing(world: World) -> None:
    await world.add_cell()
    for _ in range(5):
        one, other = await world.active(), await world.active()
        await put(world, one, ACME)
        await world.change(one.key, Change.DELETE)
        outcomes = await asyncio.gather(
            world.change(one.key, Change.ERASED),
            put(world, one, ACME, GLOBEX),
            put(world, other, GLOBEX, ACME),
            return_exceptions=True,
        )
        assert not isinstance(outcomes[0], BaseException) and outcomes[2] is None
        assert outcomes[1] is None or isinstance(outcomes[1], NotFound)
        assert await told(world) == {ACME: {other.key}, GLOBEX: {other.key}}
        await put(world, other)


async def test_what_is_no_hash_does_not_get_into_the_table(
    world: World, postgres: Postgres, registry_database: str
) -> None:
    await world.add_cell()
    at = await world.active()
    connection = await asyncpg.connect(postgres.app_dsn(registry_database))
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("insert into domains values ($1, $2)", b"acme.example", at.workspace_id)
    await connection.close()
