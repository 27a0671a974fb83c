"""Every route says who may call it, and none stands outside the tables without a reason."""

from typing import Any

import pytest

from cell.app import ROUTES
from cell.people.permissions import Permission
from cell.sessions.subjects import Member
from cell.tokens.subjects import Machine
from kit.web.routes import Route
from tests.cell.world import World
from tests.guards.modules import modules_of

TABLE = [route for routes in ROUTES for route in routes.table]

# What an application answers besides its nouns' tables, each with its reason.
WITHOUT_A_TABLE = {
    "/livez": "asked by the platform; says nothing but that the process lives",
    "/readyz": "asked by the platform; names parts that are down",
    "/static/<path:name>": "scripts and styles, the same for everybody",
    "/ui": "the design system's own page; it shows made-up data",
    "/api/v1/openapi.json": "the description of the API, the same for everybody",
}


def ids(route: Route) -> str:
    return f"{route.method} {route.rule}"


def test_every_noun_with_routes_is_in_the_application() -> None:
    from kit.web import Routes

    tables = {id(routes) for routes in ROUTES}
    for module in modules_of("cell"):
        for routes in vars(module).values():
            if isinstance(routes, Routes):
                assert id(routes) in tables, f"{module.__name__}: name its routes in ROUTES of cell/app.py"


def test_every_address_is_in_a_table_or_has_a_reason(world: World) -> None:
    known = {(route.method, route.rule) for route in TABLE}
    for rule in world.app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert (method, rule.rule) in known or rule.rule in WITHOUT_A_TABLE, (
                f"{method} {rule.rule}: declare it with Routes, so that it says who may call it"
            )
    rules = {rule.rule for rule in world.app.url_map.iter_rules()}
    assert set(WITHOUT_A_TABLE) <= rules, "strike what is gone off the list"


@pytest.mark.parametrize("route", TABLE, ids=ids)
def test_a_route_declares_a_subject(route: Route) -> None:
    assert hasattr(route.subject, "identify")
    if route.rule.startswith("/api/"):
        assert route.scope is not None, "give its subject a Scope: a token opens only what it was made for"


@pytest.mark.parametrize("route", TABLE, ids=ids)
def test_a_route_of_a_workspace_names_it(route: Route) -> None:
    if issubclass(route.subject, Member):
        assert route.rule.startswith("/w/<key>")


# Routes that only read and are no GET, each with its reason.
READS = {"/w/<key>/audit/export": "changes nothing but the log, which says who took it along"}


@pytest.mark.parametrize("route", [one for one in TABLE if issubclass(one.subject, Member)], ids=ids)
def test_a_members_route_asks_for_a_permission_that_goes_with_its_method(route: Route) -> None:
    assert route.scope is not None and route.scope.name in set(Permission)
    if route.method != "GET" and route.rule not in READS:
        assert not route.scope.name.endswith(":read"), "auditors have every `:read`, and change nothing"


def test_scopes_are_those_that_tokens_can_have() -> None:
    from cell.tokens.service import SCOPES

    wanted = {route.scope.name for route in TABLE if route.scope is not None and issubclass(route.subject, Machine)}
    assert wanted == set(SCOPES)


def test_no_two_routes_answer_the_same() -> None:
    seen: set[Any] = set()
    for route in TABLE:
        assert (route.method, route.rule) not in seen
        seen.add((route.method, route.rule))
