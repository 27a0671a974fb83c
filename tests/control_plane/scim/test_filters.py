"""Filters: the grammar whole, the library's traps closed, and what cannot be mapped refused."""

from typing import Any

import pytest

from control_plane.scim.errors import ScimError
from control_plane.scim.filters import EVERYONE, NOBODY, compiled, compiled_for
from control_plane.scim.names import GROUPS, USERS
from tests.control_plane.scim.world import CORE, ENTERPRISE, Client

NAME = ["user_name"]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('userName eq "bjensen"', ["eq", NAME, "bjensen"]),
        ('USERNAME EQ "bjensen"', ["eq", NAME, "bjensen"]),
        (f'{CORE}:userName sw "J"', ["sw", NAME, "J"]),
        (r'userName eq "a\"b\\cA"', ["eq", NAME, 'a"b\\cA']),
        ('userName eq "(a) or [b] and not"', ["eq", NAME, "(a) or [b] and not"]),
        ('userName co "%_"', ["co", NAME, "%_"]),
        ("title pr", ["pr", ["title"]]),
        ("title eq null", ["not", ["pr", ["title"]]]),
        ("title ne null", ["pr", ["title"]]),
        ("userName eq 1234567", ["eq", NAME, "1234567"]),
        ("userName eq ada@example.com", ["eq", NAME, "ada@example.com"]),
        ("active eq true", ["eq", ["active"], True]),
        ('active eq "False"', ["eq", ["active"], False]),
        ('name.familyName co "O\'Malley"', ["co", ["name", "family"], "O'Malley"]),
        (
            'name[familyName eq "x" and not (givenName pr)]',
            ["and", ["eq", ["name", "family"], "x"], ["not", ["pr", ["name", "given"]]]],
        ),
        ('emails co "example.com"', ["co", ["emails", "value"], "example.com"]),
        ("emails pr", ["pr", ["emails"]]),
        (
            'emails[type eq "work" and value co "@x"]',
            ["some", ["emails"], ["and", ["eq", ["type"], "work"], ["co", ["value"], "@x"]]],
        ),
        (
            'emails[type eq "work"].value eq "x"',
            ["some", ["emails"], ["and", ["eq", ["type"], "work"], ["eq", ["value"], "x"]]],
        ),
        ('a[b eq "c"] or title pr', None),
        (
            'title pr or title eq "a" and userName eq "b"',
            ["or", ["pr", ["title"]], ["and", ["eq", ["title"], "a"], ["eq", NAME, "b"]]],
        ),
        (
            '(title pr or title eq "a") and userName eq "b"',
            ["and", ["or", ["pr", ["title"]], ["eq", ["title"], "a"]], ["eq", NAME, "b"]],
        ),
        ('title pr and not (userName eq "b")', ["and", ["pr", ["title"]], ["not", ["eq", NAME, "b"]]]),
        ('meta.lastModified ge "2026-01-01T02:00:00+02:00"', ["ge", ["changed_at"], "2026-01-01T00:00:00+00:00"]),
        (f'{ENTERPRISE}:manager eq "x"', ["eq", ["manager", "value"], "x"]),
        (f'{ENTERPRISE}:manager.displayName eq "x"', ["eq", ["manager", "display"], "x"]),
        ('meta.resourceType eq "User"', ["pr", ["id"]]),
        ('meta.resourceType eq "Group"', ["not", ["pr", ["id"]]]),
        (f'schemas eq "{CORE}"', ["pr", ["id"]]),
        ("userName", None),
        ("userName eq", None),
        ('eq "x"', None),
        ('userName = "x"', None),
        ('userName regex "x"', None),
        ('userName eq "x', None),
        ('userName eq "x" and', None),
        ('userName eq "x" title pr', None),
        ('(userName eq "x"', None),
        ('userName eq "x")', None),
        ("not userName pr", None),
        ("()", None),
        ("[]", None),
        ('name eq "x"', None),
        ('nope eq "x"', None),
        ('name.nope eq "x"', None),
        ('userName.nope eq "x"', None),
        ('urn:nope:userName eq "x"', None),
        ('department eq "x"', None),
        ('password eq "x"', None),
        ('members eq "x"', None),
        ("meta.version pr", None),
        ("active gt true", None),
        ('active eq "maybe"', None),
        ("active co true", None),
        ('meta.created gt "yesterday"', None),
        ('meta.created co "2026"', None),
        ("title gt null", None),
        ('emails[nope eq "x"]', None),
        ("emails[schemas pr]", None),
        ('title[value eq "x"]', None),
        (r'userName eq "\ud800"', None),
        (r'userName eq "\u0000"', None),
        (r'userName eq "\x"', None),
        ('userName eq "x" or nope eq "y"', None),
    ],
)
def test_a_filter_is_a_tree_or_refused(text: str, tree: list[Any] | None) -> None:
    if tree is None:
        with pytest.raises(ScimError) as refused:
            compiled(USERS, text)
        assert (refused.value.status, refused.value.scim_type) == (400, "invalidFilter")
    else:
        assert compiled(USERS, text) == tree


def test_members_of_groups_by_value() -> None:
    assert compiled(GROUPS, 'members eq "x"') == ["eq", ["members", "value"], "x"]
    assert compiled(GROUPS, 'members[value eq "x"]') == ["some", ["members"], ["eq", ["value"], "x"]]


def test_for_a_kind_that_has_not_what_is_named_only_the_rest_counts() -> None:
    names = " or ".join(f'userName eq "{number}"' for number in range(40))
    (_, people), (_, groups) = compiled_for((USERS, GROUPS), f'({names}) or displayName eq "x"')
    assert groups == ["eq", ["display_name"], "x"]
    assert people[0] == "or"
    assert compiled_for((USERS, GROUPS), "members pr")[0][1] == NOBODY
    assert compiled_for((USERS, GROUPS), "not (members pr)")[0][1] == EVERYONE


def test_a_long_row_becomes_no_deep_tree() -> None:
    tree = compiled(USERS, " or ".join(f'title eq "{number}"' for number in range(150)))
    depth = 0
    while tree[0] == "or":
        depth, tree = depth + 1, tree[1]
    assert depth == 7


@pytest.mark.parametrize("text", ['nope eq "x"', "userName pr or nope pr", "title", 'department eq "x"'])
async def test_what_cannot_be_mapped_never_finds_everyone(client: Client, text: str) -> None:
    await client.user()
    for refused in (
        await client.get("/Users", filter=text),
        await client.post("/.search", {"filter": text + " pr and"}),
    ):
        assert (refused.status, refused.scim_type) == (400, "invalidFilter")


async def test_a_backslash_quote_finds_whom_it_names(client: Client) -> None:
    made = await client.user('a"b')
    found = await client.get("/Users", filter=r'userName eq "a\"b"')
    assert [one["id"] for one in found.json["Resources"]] == [made["id"]]


async def test_what_is_shown_of_members_and_groups_is_found(client: Client) -> None:
    ada = await client.user()
    await client.user()
    await client.group("Support", ada["id"])
    await client.group("Nobody")
    for path, text, many in (
        ("/Groups", 'members[type eq "User"]', 1),
        ("/Groups", f'members[value eq "{ada["id"]}" and type eq "user"]', 1),
        ("/Groups", f'members[value eq "{ada["id"]}" and type eq "Group"]', 0),
        ("/Groups", 'members.type eq "Group"', 0),
        ("/Groups", 'members.type ne "User"', 1),
        ("/Groups", "members.type pr", 1),
        ("/Users", 'groups.type eq "direct"', 1),
        ("/Users", 'groups[type sw "dir"]', 1),
        ("/Users", 'not (groups.type eq "direct")', 1),
    ):
        found = await client.get(path, filter=text)
        assert (found.status, found.json["totalResults"]) == (200, many), text
