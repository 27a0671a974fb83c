"""A PATCH that does not say what it means takes nothing away: it is refused, in words, and nothing has changed."""

from typing import Any

import pytest

from tests.control_plane.scim.membership import WRONG
from tests.control_plane.scim.world import Client

EMAILS = [{"value": "a@example.com", "type": "work"}, {"value": "b@example.com", "type": "home"}]
PHONES = [{"value": "+44", "type": "work"}]
STREETS = [{"streetAddress": "Main St 1", "type": "work"}]
WORK = 'emails[type eq "work"]'
HOLLOW: list[Any] = [[{"type": "work"}], {"TYPE": "work", "primary": True}, [{}], [{"nope": 1}]]
UNCLEAR: list[Any] = [{}, {"nope": 1}, EMAILS, [None]]


async def test_of_several_values_a_part_without_brackets_is_not_removed(client: Client) -> None:
    made = await client.user(emails=EMAILS)
    group = await client.group("Support", made["id"])
    values: list[dict[str, Any]] = [{}, {"value": made["id"]}, {"value": [{"value": made["id"]}]}]
    for part in ("value", "display", "type"):
        for more in values:
            for at in (f"/Groups/{group['id']}", f"/Users/{made['id']}"):
                name = "members" if "Groups" in at else "emails"
                refused = await client.patch(at, {"op": "remove", "path": f"{name}.{part}", **more})
                assert (refused.status, refused.scim_type) == (400, "invalidPath"), (part, more)
    assert await client.members(group["id"]) == [made["id"]]
    assert (await client.get(f"/Users/{made['id']}")).json["emails"] == EMAILS


async def test_of_a_member_nothing_is_changed(client: Client) -> None:
    one, other = [(await client.user())["id"] for _ in range(2)]
    group = await client.group("Support", one)
    for operation in (
        {"op": "remove", "path": f'members[value eq "{one}"].display'},
        {"op": "remove", "path": f'members[value eq "{one}"].type'},
        {"op": "replace", "path": f'members[value eq "{one}"].display', "value": "Ada"},
        {"op": "replace", "path": f'members[value eq "{one}"].value', "value": other},
        {"op": "replace", "path": f'members[value eq "{one}"]', "value": {"value": other}},
    ):
        refused = await client.patch(f"/Groups/{group['id']}", operation)
        assert (refused.status, refused.scim_type) == (400, "mutability"), operation
    assert await client.members(group["id"]) == [one]
    gone = {"op": "remove", "path": f'members[value eq "{one}"].value'}
    assert (await client.patch(f"/Groups/{group['id']}", gone)).status == 204
    assert await client.members(group["id"]) == []


async def test_a_group_is_emptied_by_saying_so_alone(client: Client) -> None:
    one = (await client.user())["id"]
    group = await client.group("Support", one)
    at = f"/Groups/{group['id']}"
    for value in (None, "", *WRONG):
        for operation in (
            {"op": "remove", "path": "members", "value": value},
            {"op": "replace", "path": "members", "value": value},
            {"op": "replace", "value": {"displayName": "Help", "members": value}},
        ):
            refused = await client.patch(at, operation)
            assert (refused.status, refused.scim_type) == (400, "invalidValue"), operation
    assert (await client.patch(at, {"op": "replace", "path": "members"})).scim_type == "invalidValue"
    assert (await client.patch(at, {"op": "remove", "path": "members", "value": []})).status == 204
    kept = (await client.get(at)).json
    assert (kept["displayName"], [member["value"] for member in kept["members"]]) == ("Support", [one])
    assert (await client.patch(at, {"op": "remove", "path": "members"})).status == 204
    assert await client.members(group["id"]) == []


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
async def test_a_value_that_says_only_which_it_is_is_none_to_keep_or_remove(client: Client, op: str) -> None:
    made = await client.user(emails=EMAILS, phoneNumbers=PHONES, addresses=STREETS)
    at = f"/Users/{made['id']}"
    for name in ("emails", "phoneNumbers", "addresses"):
        for value in HOLLOW:
            operations: list[dict[str, Any]] = [{"op": op, "path": name, "value": value}]
            operations += [{"op": op, "value": {name: value}}] if op != "remove" else []
            for operation in operations:
                refused = await client.patch(at, {"op": "add", "path": "title", "value": "x"}, operation)
                assert (refused.status, refused.scim_type) == (400, "invalidValue"), operation
    for path, value in [*((WORK, one) for one in UNCLEAR), (f"{WORK}.value", [""])]:
        if op != "remove":
            refused = await client.patch(at, {"op": op, "path": path, "value": value})
            assert (refused.status, refused.scim_type) == (400, "invalidValue"), value
    kept = (await client.get(at)).json
    assert (kept["emails"], kept["phoneNumbers"], kept["addresses"]) == (EMAILS, PHONES, STREETS)
    assert "title" not in kept


@pytest.mark.parametrize("none", [[], None, "", [{"type": "work", "value": ""}], [{"type": "work", "value": None}]])
async def test_values_are_let_go_by_saying_that_there_are_none(client: Client, none: Any) -> None:
    made = await client.user(emails=EMAILS)
    at = f"/Users/{made['id']}"
    kept = await client.patch(at, {"op": "add", "path": "emails", "value": none})
    assert (kept.status, kept.json["emails"]) == (200, EMAILS)
    changed = await client.patch(at, {"op": "replace", "path": "emails", "value": none})
    assert changed.status == 200
    assert "emails" not in changed.json


@pytest.mark.parametrize("op", ["Add", "Replace"])
async def test_what_brackets_choose_may_come_in_a_list_of_one(client: Client, op: str) -> None:
    made = await client.user(emails=EMAILS)
    at = f"/Users/{made['id']}"
    for number, (path, wrapped) in enumerate(
        ((WORK, [{"value": "0@example.com"}]), (WORK, ["1@example.com"]), (f"{WORK}.value", ["2@example.com"]))
    ):
        changed = await client.patch(at, {"op": op, "path": path, "value": wrapped})
        assert changed.status == 200, changed.raw
        assert changed.json["emails"] == [{"value": f"{number}@example.com", "type": "work"}, EMAILS[1]]
    gone = await client.patch(at, {"op": "Replace", "path": 'emails[type eq "home"]', "value": None})
    assert [one["value"] for one in gone.json["emails"]] == ["2@example.com"]
