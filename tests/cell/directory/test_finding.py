"""Searches: the same as a plain reading of the documents would find, by an index where there has to be one."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cell.directory import finding
from cell.directory.shapes import MOST_SEARCHED
from contracts.directory import DEEPEST_TREE, FilterRefused, Find, Item, Tree
from contracts.directory_schema import ATTRIBUTES, Resource, Type
from tests.cell.directory.idp import Idp, connect
from tests.cell.world import Workspace, World
from tests.servers.plans import nodes, plan
from tests.servers.postgres import Postgres

WORDS = ["ada", "Ada", "a%a", "a_b", "ÄDA", "", "b"]
TEXTS = ["title", "user_type", "locale"]
MAILS = ["ada@example.com", "ADA@example.com", "ben@example.com", "a%@example.com"]


@pytest.fixture(scope="module")
async def crowd(world: World) -> tuple[Idp, list[Item]]:
    """Some people who differ in what there is to differ in."""
    idp = await connect(world, await world.found())
    for number in range(24):
        document: dict[str, Any] = {"external_id": f"X{number % 12 if number < 12 else number}"}
        if number % 3:
            document["title"] = WORDS[number % 7]
        if number % 4:
            document["display_name"] = WORDS[(number + 2) % 7] or "x"
        if number % 5:
            mail = MAILS[number % 4]
            document["emails"] = [{"value": mail, "type": "work" if number % 2 else "home", "primary": number % 7 == 1}]
        if number % 10 == 3:
            document["emails"] = [*document.get("emails", []), {"value": "second@example.com", "type": "work"}]
        if number % 6 == 0:
            document["name"] = {"family": "Lovelace", "given": WORDS[number % 7]}
        item = await idp.create(f"User{number}@example.com", **document)
        if number % 8 == 0:
            await idp.switch(item.id, False)
    return idp, (await idp.find(count=200)).items


# A plain reading.


def plainly(tree: Tree, document: dict[str, Any]) -> bool:
    match tree:
        case ["and", left, right]:
            return plainly(left, document) and plainly(right, document)
        case ["or", left, right]:
            return plainly(left, document) or plainly(right, document)
        case ["not", inner]:
            return not plainly(inner, document)
        case ["some", [name], inner]:
            return any(plainly(_within(inner), {"it": one}) for one in _several(document.get(name)))
        case ["pr", path]:
            return any(one not in (None, "") for one in _at(document, path))
        case ["ne", path, wanted]:
            return not plainly(["eq", path, wanted], document)
        case [verb, path, wanted]:
            exact = path == ["external_id"]
            return any(_compared(verb, one, wanted, exact) for one in _at(document, path))
    raise AssertionError(tree)


def _within(tree: Tree) -> Tree:
    """The same tree where the value stands below `it`."""
    if tree[0] in ("and", "or", "not"):
        return [tree[0], *(_within(one) for one in tree[1:])]
    return [tree[0], ["it", *tree[1]], *tree[2:]]


def _several(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _at(document: dict[str, Any], path: list[str]) -> list[Any]:
    found = _several(document.get(path[0]))
    if len(path) == 1 and path[0] == "emails":
        return found
    for part in path[1:]:
        found = [one[part] for one in found if part in one]
    return found


def _compared(verb: str, actual: Any, wanted: Any, exact: bool) -> bool:
    if isinstance(wanted, bool):
        return actual is wanted
    left, right = (actual, wanted) if exact else (actual.lower(), wanted.lower())
    answers: dict[str, bool] = {
        "eq": left == right,
        "co": right in left,
        "sw": left.startswith(right),
        "ew": left.endswith(right),
        "gt": left > right,
        "ge": left >= right,
        "lt": left < right,
        "le": left <= right,
    }
    return answers[verb]


VERBS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
VALUES = st.sampled_from([*WORDS, *MAILS, "User3@example.com", "X3", "x3", "second", "Lovelace"])
PATHS = st.sampled_from(
    [
        ["user_name"],
        ["external_id"],
        ["display_name"],
        ["title"],
        ["emails", "value"],
        ["emails", "type"],
        ["name", "given"],
    ]
)
PARTS = st.sampled_from([["value"], ["type"]])


def combined(leaves: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(list), inner.map(lambda one: ["not", one])
        ),
        max_leaves=5,
    )


WITHIN = combined(
    st.one_of(
        st.tuples(VERBS, PARTS, VALUES).map(list),
        st.sampled_from([["eq", ["primary"], True], ["ne", ["primary"], True], ["pr", ["type"]]]),
    )
)
LEAVES = st.one_of(
    st.tuples(VERBS, PATHS, VALUES).map(list),
    PATHS.map(lambda path: ["pr", path]),
    WITHIN.map(lambda inner: ["some", ["emails"], inner]),
    st.sampled_from([["eq", ["active"], True], ["ne", ["active"], True], ["pr", ["emails"]], ["pr", ["nick_name"]]]),
)


@given(tree=combined(LEAVES))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_search_finds_what_a_plain_reading_finds(crowd: tuple[Idp, list[Item]], tree: Tree) -> None:
    idp, everybody = crowd
    wanted = [item.id for item in everybody if plainly(tree, item.document)]
    found = await idp.find(tree)
    assert [item.id for item in found.items] == wanted
    assert found.total == len(wanted)


async def test_pages_are_parts_of_the_whole_and_all_of_them(crowd: tuple[Idp, list[Item]]) -> None:
    idp, everybody = crowd
    pages = [await idp.find(start=start, count=7) for start in (1, 8, 15, 22, 29)]
    assert [page.total for page in pages] == [24] * 5
    assert [item for page in pages for item in page.items] == everybody
    none = await idp.find(count=0)
    assert (none.total, none.items) == (24, [])


async def test_sorted_by_an_attribute_what_lacks_it_comes_last(crowd: tuple[Idp, list[Item]]) -> None:
    idp, everybody = crowd
    for descending in (False, True):
        found = await idp.find(sort_by=("title",), descending=descending, count=200)
        titles = [item.document.get("title") for item in found.items]
        there = [one.lower() for one in titles if one is not None]
        assert there == sorted(there, reverse=descending)
        absent = [None] * (len(titles) - len(there))
        assert titles[-len(absent) :] == absent if not descending else titles[: len(absent)] == absent
    by_mail = await idp.find(sort_by=("emails", "value"), count=200)
    assert len(by_mail.items) == len(everybody)


async def test_sorted_by_who_is_active(crowd: tuple[Idp, list[Item]]) -> None:
    idp, everybody = crowd
    wanted = [one.id for one in sorted(everybody, key=lambda one: bool(one.document["active"]))]
    assert wanted != [one.id for one in everybody]
    assert [one.id for one in (await idp.find(sort_by=("active",), count=200)).items] == wanted
    down = await idp.find(sort_by=("active",), descending=True, count=200)
    assert [one.id for one in down.items] == wanted[::-1]


async def test_groups_and_members_beside_other_things(crowd: tuple[Idp, list[Item]]) -> None:
    idp, everybody = crowd
    a, b, c, d = everybody[:4]
    group, other = await idp.create_group("Beside 1", a.id, b.id), await idp.create_group("Beside 2", b.id, c.id)
    of, of_other = (["eq", ["groups", "value"], str(one.id)] for one in (group, other))
    named: Tree = ["eq", ["user_name"], d.document["user_name"]]
    many: Tree = ["or", ["eq", ["id"], str(a.id)], ["or", of_other, named]]
    for tree, wanted in (
        (["or", of, named], [a, b, d]),
        (["or", of, of_other], [a, b, c]),
        (["or", named, ["or", ["and", of, of_other], named]], [b, d]),
        (["or", of, ["pr", ["nick_name"]]], [a, b]),
        (["and", many, ["not", ["or", of, named]]], [c]),
        (["or", of, ["eq", ["groups", "value"], "no id"]], [a, b]),
    ):
        found = await idp.find(tree)
        assert ([one.id for one in found.items], found.total) == ([one.id for one in wanted], len(wanted)), tree
    either: Tree = ["or", ["eq", ["members", "value"], str(a.id)], ["eq", ["display_name"], "beside 2"]]
    assert [one.id for one in (await idp.find(either, Resource.GROUP)).items] == [group.id, other.id]
    assert (await idp.find(either, Resource.GROUP, start=2, count=1)).total == 2


async def test_moments_ids_and_groups(crowd: tuple[Idp, list[Item]]) -> None:
    idp, everybody = crowd
    one = everybody[3]
    group = await idp.create_group("Team 1", one.id)
    await idp.create_group("Team 2", everybody[5].id)
    at = one.document["created_at"]
    for tree in (
        ["eq", ["id"], str(one.id)],
        ["eq", ["created_at"], at],
        ["eq", ["groups", "value"], str(group.id)],
        ["eq", ["groups", "display"], "TEAM 1"],
        ["some", ["groups"], ["eq", ["display"], "team 1"]],
        ["some", ["groups"], ["sw", ["display"], "Team 1"]],
    ):
        assert [item.id for item in (await idp.find(tree)).items] == [one.id], tree
    assert (await idp.find(["gt", ["created_at"], at])).total == len(everybody) - 4
    assert (await idp.find(["eq", ["id"], "no id"])).total == 0
    for tree in (
        ["eq", ["members", "value"], str(one.id)],
        ["some", ["members"], ["eq", ["value"], str(one.id)]],
        ["eq", ["display_name"], "TEAM 1"],
        ["and", ["pr", ["members"]], ["sw", ["display_name"], "team 1"]],
        ["eq", ["members", "display"], one.document["display_name"]],
    ):
        assert [item.id for item in (await idp.find(tree, Resource.GROUP)).items] == [group.id], tree
    assert (await idp.find(["eq", ["members"], "no id"], Resource.GROUP)).total == 0
    with_members = await idp.find(["eq", ["display_name"], "team 1"], Resource.GROUP)
    assert with_members.items[0].document["members"] == [{"value": str(one.id)}]
    without = await idp.find(["eq", ["display_name"], "team 1"], Resource.GROUP, members=False)
    assert "members" not in without.items[0].document


@pytest.mark.parametrize(
    "tree",
    [
        [],
        ["eq"],
        ["eq", ["shoe_size"], "44"],
        ["eq", ["emails", "shoe_size"], "44"],
        ["eq", ["user_name"], 7],
        ["eq", ["active"], "true"],
        ["gt", ["active"], True],
        ["co", ["created_at"], "2026"],
        ["gt", ["created_at"], "yesterday"],
        ["gt", ["title"], None],
        ["some", ["title"], ["eq", ["value"], "x"]],
        ["some", ["emails"], ["some", ["emails"], ["eq", ["value"], "x"]]],
        ["eq", ["addresses"], "x"],
        ["xx", ["title"], "x"],
        ["and", ["pr", ["title"]]],
        ["eq", "title", "x"],
    ],
    ids=str,
)
async def test_a_tree_that_says_nothing_is_refused_and_does_not_find_everybody(idp: Idp, tree: Tree) -> None:
    with pytest.raises(FilterRefused):
        await idp.find(tree)


async def test_terms_that_no_index_answers_are_few(idp: Idp) -> None:
    def row(leaf: Tree, times: int) -> Tree:
        return leaf if times == 1 else ["or", row(leaf, times // 2), row(leaf, times - times // 2)]

    searched: Tree = ["some", ["emails"], ["co", ["value"], "q"]]
    await idp.find(row(searched, MOST_SEARCHED), count=1)
    for one in (searched, ["pr", ["title"]], ["ne", ["user_name"], "x"], ["sw", ["user_name"], "x"]):
        with pytest.raises(FilterRefused, match=f"at most {MOST_SEARCHED} terms"):
            await idp.find(row(one, MOST_SEARCHED + 1), count=1)
    await idp.find(row(["eq", ["user_name"], "x"], 200), count=1)
    await idp.find(row(["eq", ["emails", "value"], "x"], 50), count=1)


async def test_a_tree_that_is_too_deep_is_refused(idp: Idp) -> None:
    tree: Tree = ["pr", ["title"]]
    for _ in range(DEEPEST_TREE + 1):
        tree = ["not", tree]
    with pytest.raises(FilterRefused):
        await idp.find(tree)


ONE = str(UUID(int=1))
MEMBER: Tree = ["eq", ["members", "value"], ONE]
OF_GROUP: Tree = ["eq", ["groups", "value"], ONE]
EQ_ID: Tree = ["eq", ["id"], ONE]
NAMED: Tree = ["eq", ["display_name"], "x"]
EITHER: Tree = ["or", ["eq", ["user_name"], "x"], ["eq", ["emails", "value"], "x"]]


def _find(workspace: Workspace, tree: Tree, resource: Resource) -> Find:
    return Find(workspace_id=workspace.id, credential="00" * 32, resource=resource, tree=tree)


@pytest.mark.parametrize(
    ("resource", "tree", "index"),
    [
        (Resource.PERSON, ["eq", ["user_name"], "x"], "uq_directory_people_user_name"),
        (Resource.PERSON, ["eq", ["external_id"], "x"], "uq_directory_people_external_id"),
        (Resource.PERSON, ["eq", ["emails", "value"], "x"], "ix_directory_emails_value"),
        (Resource.PERSON, ["some", ["emails"], ["eq", ["value"], "x"]], "ix_directory_emails_value"),
        (Resource.PERSON, EITHER, "uq_directory_people_user_name"),
        (Resource.PERSON, EITHER, "ix_directory_emails_value"),
        (Resource.PERSON, ["eq", ["display_name"], "x"], "ix_directory_people_display_name"),
        (Resource.PERSON, EQ_ID, "pk_directory_people"),
        (Resource.GROUP, ["eq", ["display_name"], "x"], "uq_directory_groups_display_name"),
        (Resource.GROUP, ["eq", ["external_id"], "x"], "uq_directory_groups_external_id"),
        (Resource.GROUP, MEMBER, "ix_directory_members_member"),
        (Resource.GROUP, ["or", MEMBER, NAMED], "ix_directory_members_member"),
        (Resource.GROUP, ["or", MEMBER, NAMED], "uq_directory_groups_display_name"),
        (
            Resource.GROUP,
            ["or", ["or", NAMED, ["some", ["members"], ["eq", ["value"], ONE]]], EQ_ID],
            "pk_directory_groups",
        ),
        (Resource.PERSON, OF_GROUP, "pk_directory_members"),
        (Resource.PERSON, ["or", OF_GROUP, EITHER], "pk_directory_members"),
        (Resource.PERSON, ["or", OF_GROUP, EITHER], "uq_directory_people_user_name"),
        (Resource.PERSON, ["or", OF_GROUP, EITHER], "ix_directory_emails_value"),
        (Resource.PERSON, ["and", ["or", ["pr", ["title"]], OF_GROUP], NAMED], "ix_directory_people_display_name"),
        (Resource.PERSON, ["and", NAMED, ["not", ["or", OF_GROUP, EITHER]]], "ix_directory_people_display_name"),
    ],
    ids=str,
)
async def test_what_identity_providers_ask_for_is_found_by_an_index(
    world: World, many: Workspace, resource: Resource, tree: Tree, index: str
) -> None:
    text, values = finding.statement(_find(many, tree, resource))
    async with world.cell.database.writing_directly(many.id) as tx:
        found = await plan(tx, "force_generic_plan", text, values)  # as what is read is planned (kit/direct.py)
    every = list(nodes(found))
    looked_up = " ".join(one["Index Cond"] for one in every if one.get("Index Name") == index)
    assert COLUMNS[index] in looked_up, found
    scanned = {one["Relation Name"] for one in every if one["Node Type"] == "Seq Scan"}
    assert scanned <= {"provisioning_tokens"}, found  # of which there is a handful: one block
    whole = [one for one in every if re.fullmatch(r"\(workspace_id = \$\d+\)", one.get("Index Cond", ""))]
    assert whole == [], found  # nor is one read whole by way of an index


COLUMNS = {
    "uq_directory_people_user_name": "user_name_norm",
    "uq_directory_people_external_id": "external_id",
    "ix_directory_emails_value": "value_norm",
    "ix_directory_people_display_name": "display_name_norm",
    "pk_directory_people": "(id ",
    "pk_directory_groups": "(id ",
    "pk_directory_members": "group_id",
    "uq_directory_groups_display_name": "display_name_norm",
    "uq_directory_groups_external_id": "external_id",
    "ix_directory_members_member": "member_id",
}


@pytest.fixture(scope="module")
async def many(world: World, postgres: Postgres, cell_database: str) -> AsyncIterator[Workspace]:
    """A workspace of 20,000 people and as many groups, beside others, of which PostgreSQL knows how many there are."""
    workspace = await world.found()
    async with world.cell.database.writing(workspace.id) as tx:
        direct = await tx.direct()
        await direct.row(MANY_PEOPLE, workspace.id)
        await direct.row(MANY_EMAILS, workspace.id)
        await direct.row(MANY_GROUPS, workspace.id)
        await direct.row(MANY_MEMBERS, workspace.id)
    connection = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    tables = ("directory_people", "directory_emails", "directory_groups", "directory_members")
    for table in tables:
        # Fifty workspaces share what is there: how many others have left behind is not what this is about.
        await connection.execute(f"ALTER TABLE {table} ALTER workspace_id SET (n_distinct = 50)")
        await connection.execute(f"ANALYZE {table}")
    yield workspace
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} ALTER workspace_id RESET (n_distinct)")
    await connection.close()


MANY_PEOPLE = """
INSERT INTO directory_people
  (workspace_id, id, user_name_norm, external_id, display_name_norm, document, version, created_at, changed_at)
SELECT $1, gen_random_uuid(), 'user' || n, 'x' || n, 'name ' || n, '{}', 1, now(), now()
  FROM generate_series(1, 20000) n
"""
MANY_EMAILS = """
INSERT INTO directory_emails (workspace_id, person_id, value_norm)
SELECT workspace_id, id, user_name_norm || '@example.com' FROM directory_people WHERE workspace_id = $1
"""
MANY_GROUPS = """
INSERT INTO directory_groups
  (workspace_id, id, display_name_norm, external_id, document, version, created_at, changed_at)
SELECT $1, gen_random_uuid(), 'group' || n, 'x' || n, '{}', 1, now(), now() FROM generate_series(1, 20000) n
"""
MANY_MEMBERS = """
INSERT INTO directory_members (workspace_id, group_id, member_id)
SELECT workspace_id, id, gen_random_uuid() FROM directory_groups WHERE workspace_id = $1
"""


def test_every_attribute_can_be_searched() -> None:
    for resource in Resource:
        for name, one in ATTRIBUTES[resource].items():
            path = [name] if one.parts is None else [name, next(iter(one.parts))]
            value: object = {Type.TRUTH: True, Type.MOMENT: "2026-05-13T04:42:34Z"}.get(one.type, "x")
            said = Find(workspace_id=UUID(int=1), credential="00" * 32, resource=resource, tree=["eq", path, value])
            text, values = finding.statement(said)
            assert "SELECT" in text and values
