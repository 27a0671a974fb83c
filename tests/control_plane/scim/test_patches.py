"""Sequences of PATCH against a model: the same resource each time, or the same refusal and nothing changed."""

from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.control_plane.scim.conftest import Clients
from tests.control_plane.scim.semantics import Operation, Refused, patched, patches
from tests.control_plane.scim.world import Client

_COMPUTED = ("id", "meta", "schemas", "groups")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(sequence=patches)
async def test_a_patch_does_what_the_model_does(clients: Clients, sequence: list[list[Operation]]) -> None:
    await follows_the_model(await clients(), sequence)


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
