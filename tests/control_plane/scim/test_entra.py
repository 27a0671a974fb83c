"""Entra ID's provisioning service: each request as it sends it, in its default mode and with aadOptscim062020."""

from uuid import uuid4

from tests.control_plane.scim.world import CORE, ENTERPRISE, GROUP, PATCH_OP, Client, World

AD_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


async def test_1_active_is_replaced_by_a_capitalised_op_and_a_boolean_as_a_string(client: Client) -> None:
    made = await client.user()
    off = await client.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert (off.status, off.json["active"]) == (200, False)
    on = await client.patch(f"/Users/{made['id']}", {"op": "Add", "path": "active", "value": "True"})
    assert (on.status, on.json["active"]) == (200, True)


async def test_2_members_are_removed_by_a_list_with_ref_null_and_only_those(client: Client) -> None:
    one, other = await client.user(), await client.user()
    group = await client.group("Support", one["id"], other["id"])
    gone = await client.patch(
        f"/Groups/{group['id']}", {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": one["id"]}]}
    )
    assert gone.status == 204
    assert await client.members(group["id"]) == [other["id"]]


async def test_3_members_are_added_with_ref_null_and_twice_is_no_error(client: Client) -> None:
    one, group = await client.user(), await client.group()
    add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one["id"]}]}
    assert (await client.patch(f"/Groups/{group['id']}", add)).status == 204
    assert (await client.patch(f"/Groups/{group['id']}", add)).status == 204
    assert await client.members(group["id"]) == [one["id"]]


async def test_4_a_value_that_a_path_chooses_and_that_is_not_there_is_made(client: Client) -> None:
    made = await client.user()
    path = 'emails[type eq "work"].value'
    for op, address in (("Add", "a@example.com"), ("Replace", "b@example.com")):
        changed = await client.patch(f"/Users/{made['id']}", {"op": op, "path": path, "value": address})
        assert changed.status == 200
        assert changed.json["emails"] == [{"type": "work", "value": address}]
    street = {"op": "Replace", "path": 'addresses[type eq "work"].streetAddress', "value": "Main St 1"}
    assert (await client.patch(f"/Users/{made['id']}", street)).json["addresses"] == [
        {"type": "work", "streetAddress": "Main St 1"}
    ]


async def test_5_the_manager_is_a_bare_string(client: Client) -> None:
    boss, made = await client.user(), await client.user()
    path = f"{ENTERPRISE}:manager"
    changed = await client.patch(f"/Users/{made['id']}", {"op": "Add", "path": path, "value": boss["id"]})
    assert changed.status == 200
    assert changed.json[ENTERPRISE]["manager"] == {"value": boss["id"]}
    assert changed.json["schemas"] == [CORE, ENTERPRISE]
    removed = await client.patch(f"/Users/{made['id']}", {"op": "Remove", "path": path})
    assert ENTERPRISE not in removed.json


async def test_6_roles_are_chosen_by_a_primary_that_is_a_string(client: Client) -> None:
    made = await client.user()
    role = {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "agent"}
    changed = await client.patch(f"/Users/{made['id']}", role)
    assert changed.json["roles"] == [{"primary": True, "value": "agent"}]
    changed = await client.patch(f"/Users/{made['id']}", {**role, "op": "Replace", "value": "admin"})
    assert changed.json["roles"] == [{"primary": True, "value": "admin"}]


async def test_7_a_group_comes_with_microsofts_schema_and_without_members(client: Client) -> None:
    body = {"schemas": [GROUP, AD_GROUP], "externalId": str(uuid4()), "displayName": "Support"}
    body["meta"] = {"resourceType": "Group"}  # type: ignore[assignment]  # as it is sent
    made = await client.post("/Groups", body)
    assert made.status == 201
    assert made.json["displayName"] == "Support"
    assert "members" not in made.json


async def test_8_a_group_is_looked_for_without_its_members(modelled: Client, scim: World) -> None:
    one = await modelled.user()
    group = await modelled.group("Support (EU)", one["id"])
    found = await modelled.send(
        "GET", "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Support%20(EU)%22"
    )
    assert [one["id"] for one in found.json["Resources"]] == [group["id"]]
    assert "members" not in found.json["Resources"][0]
    by_id = await modelled.send("GET", f"/Groups/{group['id']}?excludedAttributes=members")
    assert by_id.status == 200
    assert "members" not in by_id.json
    assert [one.members for one in scim.cell.asked[-2:]] == [False, False]  # type: ignore[attr-defined]  # Find, Get


async def test_9_filters_use_eq_and_and_and_values_without_quotation_marks(client: Client) -> None:
    made = await client.user("jyoung@example.com", externalId="jyoung", active=True)
    await client.user("other@example.com", externalId="other")
    for text in ("externalId eq jyoung", 'externalId eq "jyoung" and active eq true', "userName Eq JYoung@example.com"):
        found = await client.get("/Users", filter=text)
        assert [one["id"] for one in found.json["Resources"]] == [made["id"]], text


async def test_10_no_match_is_an_empty_list_and_never_404(client: Client) -> None:
    await client.user()
    found = await client.get("/Users", filter=f'userName eq "{uuid4()}"')
    assert found.status == 200
    assert (found.json["totalResults"], found.json["Resources"]) == (0, [])


async def test_11_a_group_patch_answers_204_and_who_is_off_stays_readable(client: Client) -> None:
    made, group = await client.user(), await client.group()
    rename = {"op": "Replace", "path": "displayName", "value": "Renamed"}
    changed = await client.patch(f"/Groups/{group['id']}", rename)
    assert (changed.status, changed.raw) == (204, b"")
    await client.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert (await client.get(f"/Users/{made['id']}")).json["active"] is False
    again = {"op": "Replace", "path": "active", "value": "True"}
    first = await client.patch(f"/Users/{made['id']}", again)
    second = await client.patch(f"/Users/{made['id']}", again)
    assert first.status == second.status == 200
    assert first.etag == second.etag  # nothing changed, forty minutes later


async def test_12_no_user_agent_empty_operations_and_the_same_again(client: Client) -> None:
    made = await client.user("ada@example.com")
    assert (await client.patch(f"/Users/{made['id']}")).status == 200
    again = await client.post("/Users", {"schemas": [CORE], "userName": "ADA@example.com"})
    assert (again.status, again.scim_type) == (409, "uniqueness")


async def test_13_schemas_hold_no_null(client: Client) -> None:
    said = await client.get("/Schemas")
    assert said.status == 200
    assert b"null" not in said.raw
    assert {one["id"] for one in said.json["Resources"]} == {CORE, GROUP, ENTERPRISE}


async def test_opt_in_a_pathless_replace_has_dotted_keys_and_urns(client: Client) -> None:
    made = await client.user(name={"givenName": "A", "familyName": "L"})
    value = {
        "displayName": "Ada",
        "name.givenName": "Ada",
        f"{ENTERPRISE}:department": "Support",
        ENTERPRISE: {"employeeNumber": "7"},
        'emails[type eq "work"].value': "ada@example.com",
    }
    changed = (await client.patch(f"/Users/{made['id']}", {"op": "replace", "value": value})).json
    assert changed["name"] == {"givenName": "Ada", "familyName": "L"}
    assert changed[ENTERPRISE] == {"department": "Support", "employeeNumber": "7"}
    assert changed["emails"] == [{"type": "work", "value": "ada@example.com"}]


async def test_opt_in_a_member_is_removed_by_a_value_path(client: Client) -> None:
    one, other = await client.user(), await client.user()
    group = await client.group("Support", one["id"], other["id"])
    gone = await client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{one["id"]}"]'})
    assert gone.status == 204
    assert await client.members(group["id"]) == [other["id"]]


async def test_a_new_person_as_its_default_mapping_sends_it(client: Client) -> None:
    body = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
        "userName": "Ada@example.com",
        "active": True,
        "addresses": [{"primary": False, "type": "work", "country": "UK", "streetAddress": "1 Main"}],
        "displayName": "Ada",
        "emails": [{"primary": True, "type": "work", "value": "Ada@example.com"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        "phoneNumbers": [{"type": "mobile", "value": "+44"}],
        "preferredLanguage": "en",
        "roles": [],
        "title": None,
        ENTERPRISE: {"department": "bio", "manager": ""},
    }
    made = await client.post("/Users", body)
    assert made.status == 201
    shown = made.json
    assert made.headers["Location"] == shown["meta"]["location"]
    assert shown["addresses"][0]["streetAddress"] == "1 Main"
    assert shown[ENTERPRISE] == {"department": "bio"}
    assert "title" not in shown
    assert PATCH_OP not in shown["schemas"]
