"""Searches by POST, of one kind of resource and of everything: what one kind has not is absent there."""

from typing import Any

import pytest

from tests.control_plane.scim.world import CORE, GROUP, SEARCH, Client


async def test_searches_by_post(client: Client) -> None:
    one, group = await client.user("ada@example.com", displayName="Same"), await client.group("Same")
    body: dict[str, Any] = {"schemas": [SEARCH], "filter": 'displayName eq "same"', "attributes": ["displayName"]}
    people = (await client.post("/Users/.search", body)).json
    assert [found["id"] for found in people["Resources"]] == [one["id"]]
    both = (await client.post("/.search", body)).json
    assert [found["id"] for found in both["Resources"]] == [one["id"], group["id"]]
    assert (both["totalResults"], both["itemsPerPage"]) == (2, 2)
    second = (await client.post("/.search", {**body, "startIndex": 2, "count": 1})).json
    assert [found["id"] for found in second["Resources"]] == [group["id"]]
    assert second["totalResults"] == 2
    only_people = (await client.post("/.search", {"filter": 'userName eq "ada@example.com"'})).json
    assert [found["id"] for found in only_people["Resources"]] == [one["id"]]
    groups = (await client.post("/.search", {"filter": 'meta.resourceType eq "Group"'})).json
    assert [found["id"] for found in groups["Resources"]] == [group["id"]]
    nobody = await client.post("/.search", {"filter": 'nope eq "x"'})
    assert (nobody.status, nobody.scim_type) == (400, "invalidFilter")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('userName eq "ada@example.com" or displayName eq "Support"', ["Ada", "Support"]),
        ('meta.resourceType eq "Group" or userName eq "eve@example.com"', ["Eve", "Sales", "Support"]),
        ('not (userName eq "ada@example.com")', ["Eve", "Sales", "Support"]),
        ('userName ne "ada@example.com" and displayName sw "S"', ["Sales", "Support"]),
        ("members pr", ["Support"]),
        ("not (members pr)", ["Ada", "Eve", "Sales"]),
        ("members eq null and userName eq null", ["Sales"]),
        ("userName ne null", ["Ada", "Eve"]),
        ('emails[type eq "work" and value co "@"] or displayName eq "sales"', ["Ada", "Sales"]),
        ('not (emails[type eq "work"])', ["Eve", "Sales", "Support"]),
        ('name[not (familyName eq "L")] and displayName sw "s"', ["Sales", "Support"]),
        (f'{CORE}:displayName eq "Ada" or {GROUP}:displayName eq "Sales"', ["Ada", "Sales"]),
        ("userName pr and members pr", []),
        (" or ".join(['userName ne "x"'] * 20 + ['userName gt "x"'] * 5), ["Ada", "Eve", "Sales", "Support"]),
    ],
)
async def test_in_a_search_of_everything_what_one_kind_has_not_is_absent_there(
    client: Client, text: str, names: list[str]
) -> None:
    ada = await client.user(
        "ada@example.com",
        displayName="Ada",
        name={"familyName": "L"},
        emails=[{"value": "ada@example.com", "type": "work"}],
    )
    await client.user("eve@example.com", displayName="Eve")
    await client.group("Support", ada["id"])
    await client.group("Sales")
    found = await client.post("/.search", {"schemas": [SEARCH], "filter": text, "sortBy": "displayName"})
    assert found.status == 200, found.raw
    assert [one["displayName"] for one in found.json["Resources"]] == names
    assert found.json["totalResults"] == len(names)


@pytest.mark.parametrize(
    "text",
    ['displayName pr or nope eq "x"', 'not (password eq "x")', "emails[nope pr] or id pr", "active gt true or id pr"],
)
async def test_a_search_of_everything_for_what_nobody_has_is_refused(client: Client, text: str) -> None:
    refused = await client.post("/.search", {"schemas": [SEARCH], "filter": text})
    assert (refused.status, refused.scim_type) == (400, "invalidFilter")


async def test_what_one_kind_does_not_have_sorts_the_other(client: Client) -> None:
    await client.user("eve@example.com")
    await client.user("ada@example.com")
    await client.group("Support")
    found = (await client.post("/.search", {"schemas": [SEARCH], "sortBy": "userName"})).json["Resources"]
    assert [one.get("userName") for one in found] == ["ada@example.com", "eve@example.com", None]
    refused = await client.post("/.search", {"schemas": [SEARCH], "sortBy": "nope"})
    assert (refused.status, refused.scim_type) == (400, "invalidValue")
