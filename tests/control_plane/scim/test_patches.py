"""Sequences of PATCH against a model: the same resource each time, or the same refusal and nothing changed."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from tests.control_plane.scim import membership
from tests.control_plane.scim.conftest import Clients
from tests.control_plane.scim.semantics import Operation, Refused, patched, patches
from tests.control_plane.scim.world import Client, Reply

_COMPUTED = ("id", "meta", "schemas", "groups")


@dataclass
class Crew:
    """A group, and the ids of those whom the model of members has as numbers."""

    client: Client
    group: str
    ids: list[str]

    async def patch(self, *operations: membership.Operation) -> Reply:
        """Send it as a client does."""
        said = [one.json(self.ids.__getitem__) for one in operations]
        return await self.client.patch(f"/Groups/{self.group}", *said)

    async def members(self) -> list[int]:
        """Who is in the group."""
        return [self.ids.index(one) for one in await self.client.members(self.group)]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(sequence=patches)
async def test_a_patch_does_what_the_model_does(clients: Clients, sequence: list[list[Operation]]) -> None:
    await follows_the_model(await clients(), sequence)


@pytest.fixture
async def crew(client: Client) -> Crew:
    """People and a group that all examples share: each of them begins by saying who is in it."""
    ids = [(await client.user())["id"] for _ in range(membership.PEOPLE)]
    return Crew(client, (await client.group())["id"], [*ids, str(uuid4()), "no id"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(expected=membership.members, sequence=membership.patches)
async def test_a_patch_of_members_does_what_a_set_does(
    crew: Crew, expected: set[int], sequence: list[list[membership.Operation]]
) -> None:
    assert (await crew.patch(membership.Listed("replace", sorted(expected)))).status == 204
    for operations in sequence:
        answer = await crew.patch(*operations)
        try:
            expected = membership.patched(expected, operations)
        except Refused as refused:
            assert (answer.status, answer.scim_type) == (400, refused.scim_type), operations
        else:
            assert answer.status == 204, (operations, answer.raw)
        assert sorted(await crew.members()) == sorted(expected), operations


async def follows_the_model(client: Client, sequence: list[list[Operation]]) -> None:
    """Send each PATCH, and compare answer and state with the model's."""
    made = await client.user()
    expected = own(made)
    for operations in sequence:
        answer = await client.patch(f"/Users/{made['id']}", *[one.json for one in operations])
        try:
            expected = patched(expected, operations)
        except Refused as refused:
            assert (answer.status, answer.scim_type) == (400, refused.scim_type), [one.json for one in operations]
        else:
            assert answer.status == 200, ([one.json for one in operations], answer.raw)
            assert plain(own(answer.json)) == plain(expected), [one.json for one in operations]
        assert plain(own((await client.get(f"/Users/{made['id']}")).json)) == plain(expected)


def own(resource: dict[str, Any]) -> dict[str, Any]:
    """What clients set."""
    return {name: value for name, value in resource.items() if name not in _COMPUTED}


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """Values in an order: SCIM has none for them."""
    emails = sorted((sorted(one.items()) for one in resource.get("emails", [])), key=repr)
    return {**resource, "emails": emails}
