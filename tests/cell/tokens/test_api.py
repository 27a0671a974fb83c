"""The JSON API: who may, what is refused, pages of lists, and its description."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cell.actors import SYSTEM
from cell.app import ROUTES
from cell.tokens import service
from cell.tokens.service import ScopeName
from cell.tokens.subjects import Machine
from contracts.links import parse
from kit.web.routes import Route
from tests.cell.browser import Browser
from tests.cell.recordings.sending import begun, path_of
from tests.cell.world import GO, Workspace, World

API = [route for routes in ROUTES for route in routes.table if route.subject is Machine]


async def token(world: World, workspace: Workspace, *scopes: ScopeName, days: int | None = None) -> Browser:
    async with world.cell.database.writing(workspace.id) as tx:
        new = service.NewToken(name="Narrow", scopes=list(scopes), expires_in_days=days)
        made = await service.create(tx, SYSTEM, workspace.key, new)
    return world.machine(made.word)


async def test_a_link_is_made_and_works(world: World, workspace: Workspace, machine: Browser) -> None:
    answer = await machine.post("/api/v1/links", json={"title": "Broken cart", "ticket": "T-7", "max_uses": 2})
    assert answer.status == 201
    made = answer.json
    assert made["url"].startswith(f"{GO}/{workspace.key}-") and made["state"] == "open" and made["ticket"] == "T-7"
    assert parse(made["url"].rsplit("/", 1)[1]).key == workspace.key
    assert (await world.browser().page(f"/r/{made['url'].rsplit('/', 1)[1]}")).status == 200
    shown = (await machine.get(f"/api/v1/links/{made['id']}")).json
    assert "url" not in shown and shown["title"] == "Broken cart"


async def test_a_link_is_revoked(world: World, workspace: Workspace, machine: Browser) -> None:
    link = await world.link(workspace)
    for _ in range(2):
        answer = await machine.post(f"/api/v1/links/{link.link.id}/revoke")
        assert (answer.status, answer.json["state"]) == (200, "revoked")
    assert (await world.browser().page(path_of(link))).status == 410


async def test_a_recording_is_found_and_deleted(world: World, workspace: Workspace, machine: Browser) -> None:
    sending = await begun(world, workspace)
    shown = (await machine.get(f"/api/v1/recordings/{sending.id}")).json
    assert (shown["state"], shown["video_url"]) == ("created", None)
    assert shown["watch_url"] == f"{GO}{workspace.base}/recordings/{sending.id}"
    assert (await machine.ask("DELETE", f"/api/v1/recordings/{sending.id}")).status == 204
    assert (await machine.get(f"/api/v1/recordings/{sending.id}")).status == 404
    assert (await machine.ask("DELETE", f"/api/v1/recordings/{sending.id}")).status == 404
    assert (await machine.get("/api/v1/recordings")).json["recordings"] == []


async def test_lists_have_pages_that_hold_everything_once(world: World, workspace: Workspace, machine: Browser) -> None:
    made = [str((await world.link(workspace, title=f"Link {n}")).link.id) for n in range(7)]
    found, onward, pages = [], "", 0
    while pages == 0 or onward:
        page = (await machine.get("/api/v1/links", query_string={"limit": "3", "cursor": onward})).json
        found += [link["id"] for link in page["links"]]
        onward, pages = page["next"] or "", pages + 1
        if pages == 1:
            await world.link(workspace, title="Made meanwhile")  # never shifts what follows
    assert found == made[::-1] and pages == 3


async def test_recordings_are_searched_by_title_and_ticket(
    world: World, workspace: Workspace, machine: Browser
) -> None:
    await begun(world, workspace, title="Cart 100%", ticket="T-1")
    await begun(world, workspace, title="Payment", ticket="CART_2")
    await begun(world, workspace, title="Other", ticket="T-3")
    for q, count in (("cart", 2), ("100%", 1), ("%", 1), ("_", 1), ("nothing", 0), ("", 3)):
        page = await machine.get("/api/v1/recordings", query_string={"q": q})
        assert len(page.json["recordings"]) == count, q


@pytest.mark.parametrize("route", API, ids=lambda route: f"{route.method} {route.rule}")
async def test_each_call_needs_its_scope_and_no_other(world: World, workspace: Workspace, route: Route) -> None:
    assert route.scope is not None
    path = route.rule.replace("<uuid:link_id>", str(uuid4())).replace("<uuid:recording_id>", str(uuid4()))
    others = [scope for scope in service.SCOPES if scope != route.scope.name]
    refused = await (await token(world, workspace, *others)).ask(route.method, path)
    assert (refused.status, refused.slug, refused.json["scope"]) == (403, "scope-missing", route.scope.name)
    [own] = [scope for scope in service.SCOPES if scope == route.scope.name]
    allowed = await (await token(world, workspace, own)).ask(route.method, path)
    assert allowed.status in (200, 404, 422)


async def test_a_token_ends_when_it_expires_or_is_revoked(world: World, workspace: Workspace, admin: Browser) -> None:
    brief = await token(world, workspace, "links:read", days=1)
    assert (await brief.get("/api/v1/links")).status == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, seconds=1), tick=True):
        assert (await brief.get("/api/v1/links")).slug == "token-refused"
    machine = world.machine(workspace.token)
    assert (await machine.get("/api/v1/links")).status == 200
    page = (await admin.page(f"{workspace.base}/tokens")).text
    for token_id in {part.partition("/revoke")[0] for part in page.split("/tokens/")[1:]}:
        assert (await admin.post(f"{workspace.base}/tokens/{token_id}/revoke")).status == 303
    assert (await machine.get("/api/v1/links")).slug == "token-refused"


async def test_a_tokens_word_is_shown_once(world: World, workspace: Workspace, admin: Browser) -> None:
    made = await admin.post(f"{workspace.base}/tokens", form={"name": "CI", "scopes": "links:read"})
    assert made.status == 201
    word = made.text.partition(f"cct_{workspace.key}_")[2][:64]
    assert len(word) == 64 and (await world.machine(f"cct_{workspace.key}_{word}").get("/api/v1/links")).status == 200
    assert word not in (await admin.page(f"{workspace.base}/tokens")).text


async def test_a_token_calls_so_often_and_no_more(
    world: World, workspace: Workspace, machine: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cell.tokens.subjects.CALLS", 3)
    statuses = [(await machine.get("/api/v1/links")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_a_frozen_workspace_is_still_read(world: World, workspace: Workspace, machine: Browser) -> None:
    from sqlalchemy import update

    from cell.workspaces.models import Ownership

    frozen = update(Ownership).where(Ownership.workspace_id == workspace.id).values(state="frozen")
    async with world.cell.database.outside() as session:
        await session.execute(frozen)
    assert (await machine.get("/api/v1/links")).status == 200  # though its use cannot be noted down
    refused = await machine.post("/api/v1/links", json={"title": "x"})
    assert (refused.status, refused.slug) == (503, "workspace-frozen") and refused.headers["Retry-After"]


BAD: list[dict[str, Any]] = [
    {},
    {"title": ""},
    {"title": "x" * 201},
    {"title": 7},
    {"title": "x", "max_uses": 0},
    {"title": "x", "max_uses": 1001},
    {"title": "x", "expires_in_s": 59},
    {"title": "x", "expires_in_s": 10**12},
    {"title": "x", "allows": []},
    {"title": "x", "allows": ["screen", "everything"]},
    {"title": "nul \x00 in it"},
]


@pytest.mark.parametrize("body", BAD)
async def test_what_cannot_be_used_is_refused_with_its_field(machine: Browser, body: dict[str, Any]) -> None:
    answer = await machine.post("/api/v1/links", json=body)
    assert (answer.status, answer.slug) == (422, "invalid")
    assert (await machine.get("/api/v1/links")).json["links"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=nonsense", "cursor=%00", "cursor=" + "x" * 201]
)
async def test_a_page_that_cannot_be_is_refused(machine: Browser, query: str) -> None:
    for path in ("/api/v1/links", "/api/v1/recordings"):
        assert (await machine.get(f"{path}?{query}")).status == 422


@given(
    st.dictionaries(
        st.sampled_from(["title", "note", "ticket", "max_uses", "allows"]),
        st.none() | st.text() | st.integers() | st.lists(st.text()),
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_body_is_a_failure_of_ours(machine: Browser, body: dict[str, Any]) -> None:
    answer = await machine.post("/api/v1/links", json=body)
    assert answer.status in (201, 409, 422, 429), answer.text


# -- the description ----------------------------------------------------------------------------------------------


async def test_the_description_is_openapi_and_names_every_call(visitor: Browser) -> None:
    document = (await visitor.get("/api/v1/openapi.json")).json
    assert document["openapi"].startswith("3.1.") and document["info"]["title"] == "Cellcast"
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    declared = {(route.method, route.rule.replace("<uuid:", "{").replace(">", "}")) for route in API}
    assert described == declared
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}


async def test_every_operation_has_its_own_name_and_every_reference_leads_somewhere(visitor: Browser) -> None:
    document = (await visitor.get("/api/v1/openapi.json")).json
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)), names
    for operation in operations:
        assert operation["summary"], operation["operationId"]
        assert operation["responses"] or operation["operationId"].endswith("_delete")  # 204 has no body to describe
    for reference in references(document):
        there: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in there, reference
            there = there[part]


def references(node: Any) -> list[str]:  # any part of a JSON document
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


async def test_path_parameters_are_described(visitor: Browser) -> None:
    document = (await visitor.get("/api/v1/openapi.json")).json
    for path, item in document["paths"].items():
        for operation in item.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert {part[1:-1] for part in path.split("/") if part.startswith("{")} == named, path
