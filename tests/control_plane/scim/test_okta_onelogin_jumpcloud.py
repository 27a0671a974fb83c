"""Okta, OneLogin and JumpCloud: requests as they send them."""

from uuid import uuid4

from tests.control_plane.scim.world import CORE, GROUP, Client


async def test_okta_looks_for_a_user_name_with_start_and_count(client: Client) -> None:
    made = await client.user("ada@example.com")
    query = "filter=userName%20eq%20%22ada%40example.com%22&startIndex=1&count=100"
    found = (await client.send("GET", f"/Users?{query}")).json
    assert [one["id"] for one in found["Resources"]] == [made["id"]]
    assert (found["totalResults"], found["startIndex"], found["itemsPerPage"]) == (1, 1, 1)


async def test_okta_sends_password_and_groups_and_plain_json(client: Client) -> None:
    body = {
        "schemas": [CORE],
        "userName": "ada@example.com",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"primary": True, "value": "ada@example.com", "type": "work"}],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    made = await client.send("POST", "/Users", body, Content_Type="application/json; charset=utf-8")
    assert made.status == 201
    assert b"1mz050nq" not in made.raw
    assert b"password" not in (await client.get(f"/Users/{made.json['id']}")).raw


async def test_okta_switches_off_and_on_without_a_path(client: Client) -> None:
    made = await client.user()
    for active in (False, True):
        changed = await client.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": active}})
        assert (changed.status, changed.json["active"]) == (200, active)


async def test_okta_puts_everything_and_leaves_active_where_it_is(client: Client) -> None:
    made = await client.user("ada@example.com", title="Agent")
    await client.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": False}})
    body = {**made, "title": None, "nickName": "A"}
    del body["active"]
    changed = await client.put(f"/Users/{made['id']}", body)
    assert changed.status == 200
    assert changed.json["active"] is False
    assert changed.json["nickName"] == "A"
    assert "title" not in changed.json


async def test_okta_puts_a_group_with_its_members(client: Client) -> None:
    one, other = await client.user(), await client.user()
    group = await client.group("Support", one["id"])
    body = {"schemas": [GROUP], "id": group["id"], "displayName": "Agents"}
    body["members"] = [{"value": other["id"], "display": "Other"}]
    changed = await client.put(f"/Groups/{group['id']}", body)
    assert changed.status == 200
    assert changed.json["displayName"] == "Agents"
    assert await client.members(group["id"]) == [other["id"]]


async def test_okta_renames_a_group_without_a_path(client: Client) -> None:
    group = await client.group()
    rename = {"op": "replace", "value": {"id": group["id"], "displayName": "Renamed"}}
    assert (await client.patch(f"/Groups/{group['id']}", rename)).status == 204
    assert (await client.get(f"/Groups/{group['id']}")).json["displayName"] == "Renamed"


async def test_okta_mixes_removals_and_additions_in_one_patch(client: Client) -> None:
    one, other, third = [(await client.user())["id"] for _ in range(3)]
    group = await client.group("Support", one, other)
    changed = await client.patch(
        f"/Groups/{group['id']}",
        {"op": "remove", "path": f'members[value eq "{one}"]'},
        {"op": "add", "path": "members", "value": [{"value": third, "display": "third@example.com"}]},
    )
    assert changed.status == 204
    assert set(await client.members(group["id"])) == {other, third}


async def test_okta_replaces_members_with_the_full_list_and_with_none(client: Client) -> None:
    one, other = [(await client.user())["id"] for _ in range(2)]
    group = await client.group("Support", one)
    full = {"op": "replace", "path": "members", "value": [{"value": other}, {"value": one}]}
    assert (await client.patch(f"/Groups/{group['id']}", full)).status == 204
    assert set(await client.members(group["id"])) == {one, other}
    assert (await client.patch(f"/Groups/{group['id']}", {**full, "value": []})).status == 204
    assert await client.members(group["id"]) == []


async def test_okta_names_an_unknown_member_and_the_rest_does_not_vanish_silently(client: Client) -> None:
    one, other = [(await client.user())["id"] for _ in range(2)]
    group = await client.group("Support", one)
    added = [{"value": other}, {"value": str(uuid4())}]
    refused = await client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": added})
    assert (refused.status, refused.scim_type) == (400, "invalidValue")
    assert "members" in refused.json["detail"]
    assert await client.members(group["id"]) == [one]


async def test_onelogin_leaves_signs_at_the_end_of_addresses(client: Client) -> None:
    made = await client.user("ada@example.com")
    for end in ("?", "?&", "/?", "?count=10&", "?filter=userName%20eq%20%22ada@example.com%22&"):
        found = await client.send("GET", f"/Users{end}")
        assert [one["id"] for one in found.json["Resources"]] == [made["id"]], end
    assert (await client.send("GET", f"/Users/{made['id']}?")).status == 200


async def test_onelogin_sends_an_old_schema_and_puts_people(client: Client) -> None:
    body = {"schemas": ["urn:scim:schemas:core:2.0"], "userName": "ada@example.com", "title": "Agent", "active": True}
    made = await client.post("/Users", body)
    assert made.status == 201
    assert made.json["schemas"] == [CORE]
    changed = await client.put(f"/Users/{made.json['id']}", {**body, "title": "Lead"})
    assert (changed.status, changed.json["title"]) == (200, "Lead")
    old = {**body, "urn:scim:schemas:extension:enterprise:1.0": {"department": "Support"}}
    changed = await client.put(f"/Users/{made.json['id']}", old)
    assert next(value for key, value in changed.json.items() if "enterprise" in key) == {"department": "Support"}


async def test_onelogin_patches_groups(client: Client) -> None:
    one, group = await client.user(), await client.group()
    add = {"op": "add", "path": "members", "value": [{"value": one["id"]}]}
    assert (await client.patch(f"/Groups/{group['id']}", add)).status == 204
    assert await client.members(group["id"]) == [one["id"]]


async def test_jumpcloud_adds_again_and_removes_by_list(client: Client) -> None:
    one, other = [(await client.user())["id"] for _ in range(2)]
    group = await client.group("Support", other)
    for _ in range(3):
        add = {"op": "add", "path": "members", "value": [{"value": one}]}
        assert (await client.patch(f"/Groups/{group['id']}", add)).status == 204
    assert set(await client.members(group["id"])) == {other, one}
    for _ in range(2):
        remove = {"op": "remove", "path": "members", "value": [{"value": one}]}
        assert (await client.patch(f"/Groups/{group['id']}", remove)).status == 204
    assert await client.members(group["id"]) == [other]
