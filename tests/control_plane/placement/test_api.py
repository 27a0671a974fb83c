"""The operators' API of cells, workspaces and placements: what it answers and what it refuses."""

import pytest

from kit.signing import SigningKey
from tests.control_plane.world import World

KEYS = [SigningKey.new().public_text()]
CELL = {"name": "eu-1", "region": "eu", "url": "http://eu-1.example", "capacity": 100, "public_keys": KEYS}
NEW = {"region": "eu", "size": "small", "request_key": "request-1"}


async def test_a_cell_joins_with_one_call(world: World) -> None:
    made = await world.api("/cells", {**CELL, "open": True}, 201)
    assert (made["state"], made["load"], made["workspaces"]) == ("open", 0, 0)
    assert made.pop("feed_token").startswith("ccf_")
    assert (await world.api("/cells/eu-1")) == made
    assert (await world.api("/cells"))["items"] == [made]


async def test_a_cell_that_nobody_can_call_is_not_opened(world: World) -> None:
    """Every sign-up of the region would be placed on it, being the emptiest, and fail."""
    keyless = {**CELL, "public_keys": []}
    assert (await world.api("/cells", {**keyless, "open": True}, 409))["type"] == "/problems/cell-has-no-key"
    assert (await world.api("/cells", keyless, 201))["feed_token"] is None
    assert (await world.api("/cells/eu-1/open", {"why": "test"}, 409))["type"] == "/problems/cell-has-no-key"
    await world.api("/cells/eu-1/change", {"public_keys": KEYS, "why": "test"}, 200)
    assert (await world.api("/cells/eu-1/open", {"why": "test"}, 200))["state"] == "open"


async def test_a_cell_gets_more_room(world: World) -> None:
    await world.api("/cells", {**CELL, "capacity": 1, "open": True}, 201)
    await world.beat("eu-1")
    await world.api("/workspaces", NEW, 201)
    await world.api("/workspaces", {**NEW, "request_key": "request-2"}, 503)
    changed = await world.api("/cells/eu-1/change", {"capacity": 2, "weight": 0.5, "why": "test"}, 200)
    assert (changed["capacity"], changed["weight"], changed["url"]) == (2, 0.5, CELL["url"])
    await world.api("/workspaces", {**NEW, "request_key": "request-2"}, 201)


async def test_workspaces_are_not_looked_for_in_a_state_that_there_is_not(world: World) -> None:
    assert (await world.ask("/api/operators/v1/workspaces?state=happy")).status_code == 422
    assert (await world.api("/workspaces?state=active"))["items"] == []


async def test_a_workspace_is_shown_with_its_decision_and_history(world: World) -> None:
    await world.api("/cells", {**CELL, "open": True}, 201)
    await world.beat("eu-1")
    made = await world.api("/workspaces", NEW, 201)
    assert (made["cell"], made["state"], made["epoch"], made["version"]) == ("eu-1", "provisioning", 1, 1)
    assert await world.api("/workspaces", NEW, 201) == made  # the same request once more
    key, where = made["key"], made.pop("sign_up_url")
    assert where is None and await world.api(f"/workspaces/{key}") == made
    decision = await world.api(f"/placements/{key}/decision")
    assert (decision["chosen"], decision["verdicts"][0]["reason"]) == ("eu-1", "chosen")
    history = await world.api(f"/placements/{key}/history")
    assert [(one["change"], one["by"], one["why"]) for one in history["items"]] == [
        ("reserve", "on-call", "sign-up, small")
    ]


async def test_lists_go_on_behind_the_last_key(world: World) -> None:
    await world.api("/cells", {**CELL, "open": True}, 201)
    await world.beat("eu-1")
    for number in range(5):
        await world.api("/workspaces", {**NEW, "request_key": f"request-{number}"}, 201)
    first = await world.api("/workspaces?limit=3&region=eu&cell=eu-1&state=provisioning")
    rest = await world.api(f"/workspaces?limit=3&after={first['after']}")
    keys = [one["key"] for one in [*first["items"], *rest["items"]]]
    assert len(keys) == 5 and keys == sorted(keys) and rest["after"] is None


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("/cells", CELL, 409, "cell-exists"),
        ("/cells", {**CELL, "name": "mars-1"}, 422, "invalid"),
        ("/cells", {**CELL, "capacity": 0}, 422, "invalid"),
        ("/cells/eu-1/explode", {"why": "test"}, 404, "not-found"),
        ("/cells/eu-1/open", {}, 422, "invalid"),
        ("/cells/eu-1/open", {"why": "anna@example.com"}, 422, "invalid"),
        ("/cells/eu-1/cordon", {"why": "test"}, 409, "transition-refused"),
        ("/cells/eu-7/open", {"why": "test"}, 404, "not-found"),
        ("/workspaces", NEW, 503, "no-cell-has-room"),
        ("/workspaces", {**NEW, "region": "mars"}, 404, "not-found"),
        ("/workspaces", {**NEW, "size": "huge"}, 422, "invalid"),
        ("/workspaces", {**NEW, "request_key": "x"}, 422, "invalid"),
        ("/workspaces/dmkrt234/suspend", {"why": "test"}, 404, "not-found"),
        ("/workspaces/dmkrt234/freeze", {"why": "test"}, 404, "not-found"),  # a move's, not an operator's
    ],
)
async def test_what_is_refused(world: World, path: str, body: dict[str, object], status: int, slug: str) -> None:
    await world.api("/cells", CELL, 201)
    assert (await world.api(path, body, status))["type"] == f"/problems/{slug}"


@pytest.mark.parametrize(
    "path", ["/cells/eu-7", "/workspaces/dmkrt234", "/placements/dmkrt234/decision", "/placements/x/history"]
)
async def test_what_is_not_there_is_a_404(world: World, path: str) -> None:
    answer = await world.ask(f"/api/operators/v1{path}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


async def test_health_and_documentation_stand_open(world: World) -> None:
    for path in ("/livez", "/readyz", "/api/operators/v1/openapi.json"):
        assert (await world.ask(path, token="")).status_code == 200
