"""A sign-up that is killed anywhere: no workspace lost, doubled or half made."""

import asyncio
import random
from dataclasses import dataclass
from uuid import uuid4

import pytest

from contracts.peers import REGISTRY, PeerKind
from contracts.placements import Placement, State
from contracts.placing import (
    PLACEMENT_RESERVE,
    WORKSPACE_UNDO,
    FirstAdmin,
    Placed,
    Reserve,
    WorkspaceDiffers,
    WorkspaceUndone,
)
from contracts.said import OfWorkspace
from control_plane.provisioning.saga import SignUp, SignUps
from kit.calls import PeerUnavailable
from kit.calls.operations import A, Operation, Q
from kit.calls.refusals import SenderNotAllowed
from kit.refusals import Refusal
from tests.cell.world import PASSWORD
from tests.control_plane.provisioning.conftest import Site
from tests.control_plane.provisioning.mortal import Death, killed

RUNS = 100
STEPS = 3  # calls that a sign-up makes
SETTLED = {State.ACTIVE, State.DELETED}


def sign_ups(site: Site) -> SignUps:
    return SignUps(site.calls, site.peers, "eu")


async def dies(site: Site, death: Death, one: SignUp | None = None) -> bool:
    """A process of its own signs somebody up, or sweeps, and is killed; False where it ended before its death."""
    peers = [*site.peers.of(PeerKind.CELL), *site.peers.of(PeerKind.CONTROL_PLANE)]
    return await asyncio.to_thread(killed, site.key, peers, death, one)


def wanted(**other: str) -> SignUp:
    email = f"ada.{uuid4().hex[:8]}@example.com"
    admin = FirstAdmin(email=other.get("email", email), name="Ada", password=PASSWORD)
    return SignUp(other.get("request_key", uuid4().hex), "Acme", admin)


async def placement_of(site: Site, one: SignUp) -> Placed:
    asked = Reserve(region="eu", request_key=one.request_key)
    return await site.calls.call(REGISTRY, PLACEMENT_RESERVE, asked)


async def must_be_whole_or_gone(site: Site, before: set[str]) -> list[Placement]:
    """Every workspace since `before` is active with its one admin, or given up and not in the cell; those."""
    since = [one for one in await site.placements() if one.key not in before]
    for one in since:
        assert one.state in SETTLED, one
        assert await site.admins(one.workspace_id) == int(one.state is State.ACTIVE), one
    return since


async def test_a_sign_up_makes_a_workspace_that_is_active_in_its_cell(site: Site) -> None:
    placed = await sign_ups(site).sign_up(wanted())
    assert (placed.cell, placed.epoch, placed.state) == ("eu-1", 1, State.ACTIVE)
    assert await site.admins(placed.workspace_id) == 1


async def test_the_same_request_makes_one_workspace_however_often_it_comes(site: Site) -> None:
    one = wanted()
    first = await sign_ups(site).sign_up(one)
    assert await sign_ups(site).sign_up(one) == first
    assert await site.admins(first.workspace_id) == 1
    with pytest.raises(WorkspaceDiffers):
        await sign_ups(site).sign_up(wanted(request_key=one.request_key))


async def test_the_same_request_many_times_at_once_makes_one_workspace(site: Site) -> None:
    one, before = wanted(), {placement.key for placement in await site.placements()}
    made = await asyncio.gather(*(sign_ups(site).sign_up(one) for _ in range(5)))
    assert len({placed.workspace_id for placed in made}) == 1
    assert len(await must_be_whole_or_gone(site, before)) == 1


@pytest.mark.parametrize("person", ["comes again", "goes away"])
async def test_killed_anywhere_nothing_is_lost_doubled_or_half_made(site: Site, person: str) -> None:
    """50 runs each of kill -9, at every call, before and after it; then the person comes again, or the sweep alone."""
    chance = random.Random(person)
    before = {placement.key for placement in await site.placements()}
    asked = [wanted() for _ in range(RUNS // 2)]
    made: list[Placed] = []
    for number, one in enumerate(asked):
        assert await dies(site, Death(1 + number % STEPS, bool(number // STEPS % 2)), one)
        if person == "comes again":
            if chance.random() < 0.5:
                await asyncio.gather(sign_ups(site).sweep(0), _again(site, one, made))
            else:
                made.append(await sign_ups(site).sign_up(one))
        if chance.random() < 0.5:  # and the sweep dies too
            await dies(site, Death(chance.randint(1, 4), chance.random() < 0.5))
    while await sign_ups(site).sweep(0):
        pass
    since = await must_be_whole_or_gone(site, before)
    active = {one.workspace_id for one in since if one.state is State.ACTIVE}
    assert {placed.workspace_id for placed in made} <= active  # whoever was told "yes" has it
    assert len(since) <= len(asked)
    if person == "goes away":  # what reached the cell is finished, what did not is given up
        reached = sum(1 for number in range(len(asked)) if (1 + number % STEPS, number // STEPS % 2) >= (2, 1))
        assert len(active) == reached


async def _again(site: Site, one: SignUp, made: list[Placed]) -> None:
    try:
        made.append(await sign_ups(site).sign_up(one))
    except WorkspaceUndone:
        pass  # the sweep was faster, and the person is told to begin anew
    except Refusal as refusal:
        assert refusal.slug == "transition-refused", refusal  # faster by a hair: the registry had given it up


async def test_what_was_taken_back_stays_so(site: Site) -> None:
    one = wanted()
    placed = await placement_of(site, one)
    assert await sign_ups(site).sweep(0) == 1
    with pytest.raises(WorkspaceUndone):
        await sign_ups(site).sign_up(one)
    assert await site.admins(placed.workspace_id) == 0


async def test_a_request_that_was_slow_meets_the_sweep_in_the_cell(site: Site) -> None:
    one = wanted()
    placed = await placement_of(site, one)
    await site.calls.call("eu-1", WORKSPACE_UNDO, OfWorkspace(workspace_id=placed.workspace_id))
    with pytest.raises(WorkspaceUndone):
        await sign_ups(site).sign_up(one)


async def test_a_young_sign_up_is_left_alone_by_the_sweep(site: Site) -> None:
    one = wanted()
    placed = await placement_of(site, one)
    await sign_ups(site).sweep(60)
    assert (await placement_of(site, one)).state is State.PROVISIONING
    assert (await sign_ups(site).sign_up(one)).workspace_id == placed.workspace_id


async def test_nothing_is_sent_to_a_cell_of_another_region(site: Site) -> None:
    @dataclass
    class Lying:
        sent: int = 0

        async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
            if peer == REGISTRY:
                answer = await site.calls.call(peer, operation, request)
                return answer.model_copy(update={"cell": "us-1"})
            self.sent += 1
            raise AssertionError

    lying = Lying()
    with pytest.raises(PeerUnavailable):
        await SignUps(lying, site.peers, "eu").sign_up(wanted())
    assert lying.sent == 0
    await sign_ups(site).sweep(0)


async def test_another_regions_sign_ups_are_refused_by_the_registry(site: Site) -> None:
    with pytest.raises(Refusal) as refused:
        await site.calls.call(REGISTRY, PLACEMENT_RESERVE, Reserve(region="us", request_key=uuid4().hex))
    assert refused.value.slug == SenderNotAllowed().slug
