"""Connections in the registry: the owner's word alone, in the same transaction in log and feeds, along on a move."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select

from contracts.identity import SSO, Connection, connection_of
from contracts.placements import Placement
from control_plane.audit import service as audit
from control_plane.audit.models import AuditEntry
from control_plane.placement.states import Change
from control_plane.sso import service
from control_plane.sso.models import SsoConnection
from kit.calls.refusals import SenderNotAllowed
from kit.refusals import Invalid, NotFound
from tests.control_plane.connections import certificate, connection_for
from tests.control_plane.world import World


async def put(world: World, at: Placement, connection: Connection | None, cell: str = "") -> None:
    await service.set_connection(world.plane.database, audit.process(cell or at.cell), at.workspace_id, connection)


async def told(world: World, audience: str) -> dict[str, Connection]:
    """What the feed says of connections, read as consumers read it; a snapshot says the same."""
    known = (await world.replay(audience))[SSO]
    assert (await world.snapshot(audience)).records[SSO] == known
    return {key: connection_of(key, record) for key, record in known.items()}


async def logged(world: World) -> list[AuditEntry]:
    async with world.plane.database.outside() as session:
        found = await session.scalars(select(AuditEntry).where(AuditEntry.action.like("sso.%")).order_by("seq"))
        return list(found.all())


async def test_a_connection_is_told_to_its_region_and_its_cell_alone(world: World) -> None:
    for name in ("eu-1", "us-1"):
        await world.add_cell(name)
    at = await world.active()
    wanted = connection_for(at, enabled=True)
    await put(world, at, wanted)
    for audience in ("identity/eu", "cell/eu-1"):
        assert await told(world, audience) == {at.key: wanted}
    for audience in ("routing", "identity/us", "cell/us-1"):
        assert await told(world, audience) == {}
    (entry,) = await logged(world)
    assert (entry.action, entry.actor) == ("sso.set", "eu-1")
    assert entry.stored["target"] == {"kind": "workspace", "id": str(at.workspace_id)}
    assert "idp.example" not in str(entry.stored)


async def test_repeating_changes_nothing_and_a_change_replaces(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    for enabled in (False, False, True):
        await put(world, at, connection_for(at, enabled=enabled))
    assert len(await logged(world)) == 2
    assert (await told(world, "cell/eu-1"))[at.key].enabled
    for _ in range(2):
        await put(world, at, None)
    assert await told(world, "cell/eu-1") == await told(world, "identity/eu") == {}
    assert [one.action for one in await logged(world)] == ["sso.set", "sso.set", "sso.remove"]


async def test_only_the_owner_sets_it(world: World) -> None:
    for name in ("eu-1", "eu-2"):
        await world.add_cell(name)
    at = await world.active()
    other = {"eu-1": "eu-2", "eu-2": "eu-1"}[at.cell]
    with pytest.raises(SenderNotAllowed):
        await put(world, at, connection_for(at), cell=other)
    await world.change(at.key, Change.FREEZE)
    await world.change(at.key, Change.HAND_OVER, other)
    with pytest.raises(SenderNotAllowed):  # what the old cell had begun
        await put(world, at, connection_for(at))
    assert await logged(world) == []
    await put(world, at, connection_for(at), cell=other)
    assert set(await told(world, f"cell/{other}")) == {at.key}


async def test_what_is_another_workspaces_is_refused(world: World) -> None:
    await world.add_cell()
    at, other = await world.active(), await world.active()
    theirs = connection_for(other)
    wrong = (
        theirs,
        theirs.model_copy(update={"workspace_id": at.workspace_id}),
        connection_for(at).model_copy(update={"sp_entity_id": f"https://sp.example/saml/{at.key}x"}),
        connection_for(at).model_copy(update={"sp_entity_id": f"https://sp.example/saml/{other.key}/{at.key}"}),
    )
    for one in wrong:
        with pytest.raises(Invalid, match="another workspace"):
            await put(world, at, one)
    with pytest.raises(NotFound):
        await service.set_connection(world.plane.database, audit.process("eu-1"), uuid4(), None)
    assert await told(world, "identity/eu") == {}


async def test_one_that_no_feed_could_carry_is_refused_with_words(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    names = [f"{number} {'ä' * 240}" for number in range(200)]  # each ä takes six bytes in a feed
    roles = [{"group": name, "role": "agent"} for name in names]
    with pytest.raises(Invalid, match="bytes, and some 65536 fit"):
        await put(world, at, connection_for(at, attributes={"roles": roles}))
    assert await told(world, "identity/eu") == {}


async def test_it_moves_with_its_workspace_and_ends_with_it(world: World) -> None:
    for name in ("eu-1", "eu-2"):
        await world.add_cell(name)
    at = await world.active()
    other = {"eu-1": "eu-2", "eu-2": "eu-1"}[at.cell]
    wanted = connection_for(at)
    await put(world, at, wanted)
    await world.change(at.key, Change.FREEZE)
    assert await told(world, f"cell/{at.cell}") == {at.key: wanted}
    await world.change(at.key, Change.HAND_OVER, other)
    assert await told(world, f"cell/{at.cell}") == {}
    assert await told(world, f"cell/{other}") == await told(world, "identity/eu") == {at.key: wanted}
    await world.change(at.key, Change.FREEZE)
    await world.change(at.key, Change.ROLL_BACK, at.cell)
    assert await told(world, f"cell/{other}") == {}
    assert await told(world, f"cell/{at.cell}") == {at.key: wanted}
    await world.change(at.key, Change.DELETE)
    await world.change(at.key, Change.ERASED)
    for audience in ("identity/eu", "cell/eu-1", "cell/eu-2"):
        assert await told(world, audience) == {}
    async with world.plane.database.outside() as session:
        assert (await session.scalars(select(SsoConnection))).all() == []
    with pytest.raises(NotFound):
        await put(world, at, wanted)


async def test_several_certificates_fit(world: World) -> None:
    await world.add_cell()
    at = await world.active()
    wanted = connection_for(at, certificates=[certificate(f"idp-{n}") for n in range(8)])
    await put(world, at, wanted)
    (held,) = (await told(world, "identity/eu")).values()
    assert len(held.usable(datetime.now(UTC))) == 8


@pytest.mark.parametrize("name", ["ada@acme.example", "team@", "@"])
def test_a_name_that_could_be_a_persons_address_does_not_leave_the_cell(name: str) -> None:
    at = Placement(uuid4(), "bcdfgh22", "eu-1", 1, "active", 1)  # type: ignore[arg-type]
    for attributes in ({"roles": [{"group": name, "role": "agent"}]}, {"email": name}):
        with pytest.raises(ValueError, match="no @"):
            connection_for(at, attributes=attributes)
