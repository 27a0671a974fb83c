"""Whatever is sent as a filter, a path, a body or an address: no 500, and no second of our time."""

import asyncio
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.directory import DEEPEST_TREE, LONGEST_TREE
from control_plane.scim.asking import of_address
from control_plane.scim.errors import ScimError
from control_plane.scim.filters import compiled
from control_plane.scim.names import GROUPS, USERS
from control_plane.scim.patching import steps
from tests.control_plane.scim.world import CORE, ENTERPRISE, Client

LONGEST_S = 1.0  # of processor time: the machine may be busy with something else
usual = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))

_words = st.sampled_from(
    [
        *("userName", "emails", "emails.value", "name", "name.givenName", "active", "title", "meta.created", "members"),
        *("groups", "schemas", "id", "nope", f"{CORE}:userName", f"{ENTERPRISE}:manager", ENTERPRISE, "urn:", "$ref"),
        *("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or", "not", "EQ", "And"),
        *(
            "(",
            ")",
            "[",
            "]",
            ".value",
            ".",
            '"',
            '"x"',
            '"\\""',
            '"\\u0000"',
            '"\\ud800"',
            "true",
            "null",
            "1",
            "-1.5e9",
        ),
        *("type", "value", "primary", '"2026-01-01T00:00:00Z"', " ", "\t", "\0", "\ud800", "é", "x" * 100),
    ]
)
_texts = st.one_of(
    st.lists(_words, max_size=25).map(" ".join),
    st.lists(_words, max_size=25).map("".join),
    st.text(max_size=60),
    st.integers(1, 3000).map(lambda many: "(" * many),
    st.integers(1, 400).map(lambda many: " or ".join(['title eq "x"'] * many)),
    st.integers(1, 400).map(lambda many: "not (" * many + "title pr" + ")" * many),
    st.integers(1, 800).map(lambda many: "emails[" * many),
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    _texts,
    st.text(max_size=20),
    st.just("x" * 2000),
)
_keys = st.one_of(
    st.sampled_from(
        [
            *("schemas", "userName", "displayName", "name", "emails", "active", "members", "value", "type", "primary"),
            *("id", "meta", "groups", "op", "path", "Operations", "addresses", ENTERPRISE, "manager", "password"),
        ]
    ),
    _texts,
)
_json = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_keys, inner, max_size=5)),
    max_leaves=20,
)
_operation = st.fixed_dictionaries(
    {"op": st.one_of(st.sampled_from(["add", "replace", "remove", "Add"]), _scalars)},
    optional={"path": st.one_of(_texts, _scalars, _words), "value": _json},
)


class Timed:
    """A block that may not take long."""

    def __enter__(self) -> None:
        self._began = time.process_time()

    def __exit__(self, *_: object) -> None:
        assert time.process_time() - self._began < LONGEST_S


@usual
@given(text=_texts)
def test_a_filter_compiles_or_is_refused(text: str) -> None:
    for kind in (USERS, GROUPS):
        with Timed():
            try:
                tree = compiled(kind, text)
            except ScimError as refused:
                assert (refused.status, refused.scim_type) == (400, "invalidFilter")
            else:
                assert len(text) <= LONGEST_TREE
                assert deep(tree) <= DEEPEST_TREE


def deep(tree: list[Any]) -> int:
    """How many levels a tree has."""
    return 1 + max(
        (deep(one) for one in tree[1:] if isinstance(one, list) and one and isinstance(one[-1], list)), default=0
    )


@usual
@given(body=st.one_of(_json, st.fixed_dictionaries({"Operations": st.lists(_operation, max_size=5)})))
def test_a_patch_compiles_or_is_refused(body: Any) -> None:
    for kind in (USERS, GROUPS):
        with Timed():
            try:
                made = asyncio.run(steps(kind, body))
            except ScimError as refused:
                assert refused.status == 400
            else:
                for one in made:
                    one.model_dump_json()


@usual
@given(query=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: text.encode("utf-8", "ignore"))))
def test_an_address_is_read_or_refused(query: bytes) -> None:
    for given_ in (query, b"count=" + query, b"startIndex=" + query, b"attributes=" + query):
        try:
            of_address(given_)
        except ScimError as refused:
            assert refused.status == 400


@pytest.mark.timeout(600)  # two thousand requests
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=_texts, body=_json, operations=st.lists(_operation, max_size=4), where=st.text(max_size=20))
async def test_nothing_that_is_sent_fails(
    client: Client, text: str, body: Any, operations: list[Any], where: str
) -> None:
    made = await client.user()
    safe = quote(text.encode("utf-8", "replace"))[:6000]
    place = quote(where.encode("utf-8", "replace"), safe="")
    with Timed():
        await fails_not(client, "GET", f"/Users?filter={safe}&sortBy={safe[:200]}&attributes={safe[:200]}")
        await fails_not(client, "GET", f"/Groups?filter={safe}&excludedAttributes={safe[:200]}")
        await fails_not(client, "PATCH", f"/Users/{made['id']}", {"Operations": operations})
        for method, path in (("POST", "/Users"), ("POST", "/Groups"), ("PUT", f"/Users/{made['id']}")):
            await fails_not(client, method, path, body)
        for path in ("/.search", "/Users/.search", f"/{place}", f"/Users/{place}", f"/Groups/{place}/{place}"):
            await fails_not(client, "POST", path, body)
            await fails_not(client, "GET", path)


async def fails_not(client: Client, method: str, path: str, body: Any = None) -> None:
    """Send, and look at how it is answered."""
    answer = await client.send(method, path, body)
    seen = (method, path, answer.status, answer.raw)
    assert answer.status in {200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 501}, seen
