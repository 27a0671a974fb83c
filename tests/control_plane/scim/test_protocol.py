"""What RFC 7643 and 7644 ask for and servers often miss."""

from typing import Any

import pytest

from contracts.directory import MOST_MEMBERS, PAGE
from tests.control_plane.scim.world import CORE, ENTERPRISE, GROUP, SEARCH, Client

NOBODY = "0b0f5a1c-1f0e-4f6e-9d5c-3f1b2a4c5d6e"


async def test_versions_are_entity_tags(client: Client) -> None:
    made = await client.user()
    at = f"/Users/{made['id']}"
    first = await client.get(at)
    assert first.etag == first.json["meta"]["version"]
    assert (await client.send("GET", at, If_None_Match=first.etag)).status == 304
    assert (await client.send("GET", at, If_None_Match="*")).status == 304
    assert (await client.send("GET", at, If_None_Match='W/"77"')).status == 200
    title = {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    assert (await client.send("PATCH", at, title, If_Match=first.etag)).status == 200
    refused = await client.send("PATCH", at, title, If_Match=first.etag)
    assert (refused.status, refused.json["status"]) == (412, "412")
    assert (await client.send("PUT", at, made, If_Match='"never ours"')).status == 412
    assert (await client.send("DELETE", at, If_Match='W/"9", W/"8"')).status == 412
    both = await client.send("PATCH", at, title, If_Match=f'W/"9", {(await client.get(at)).etag}')
    assert both.status == 200
    assert (await client.send("DELETE", at, If_Match="*")).status == 204


async def test_of_many_versions_each_is_looked_at(client: Client) -> None:
    made = await client.user()
    at, tag = f"/Users/{made['id']}", made["meta"]["version"]
    foreign = [f'"theirs-{number}"' for number in range(6)]
    ours = [f'W/"{number}"' for number in range(7, 12)]
    title = {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    assert (await client.send("GET", at, If_None_Match=", ".join([*foreign, *ours, tag]))).status == 304
    assert (await client.send("PATCH", at, title, If_None_Match=", ".join([*foreign, *ours, tag]))).status == 412
    refused = await client.send("PATCH", at, title, If_Match=", ".join([*ours, tag]))
    assert (refused.status, refused.scim_type, "at most 5" in refused.json["detail"]) == (400, "invalidValue", True)
    assert (await client.send("PATCH", at, title, If_Match=", ".join([*foreign, *ours[1:], tag, tag]))).status == 200


async def test_the_tag_of_a_person_is_another_one_when_their_groups_are(client: Client) -> None:
    made = await client.user()
    at, tags = f"/Users/{made['id']}", [made["meta"]["version"]]
    group = await client.group("Support", made["id"])
    tags.append((await client.get(at)).etag)
    await client.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Help"})
    tags.append((await client.get(at)).etag)
    assert len(set(tags)) == 3
    assert (await client.send("GET", at, If_None_Match=", ".join(tags[:2]))).status == 200
    assert (await client.send("PUT", at, made, If_Match=tags[1])).status == 412
    await client.delete(f"/Groups/{group['id']}")
    assert (await client.get(at)).etag == tags[0], "it is what it was"


async def test_the_tag_of_a_group_is_another_one_without_a_member_who_is_gone(client: Client) -> None:
    ada, eve = await client.user(), await client.user()
    group = await client.group("Support", ada["id"], eve["id"])
    at = f"/Groups/{group['id']}"
    first = (await client.get(at)).etag
    await client.delete(f"/Users/{ada['id']}")
    found = await client.send("GET", at, If_None_Match=first)
    assert (found.status, [one["value"] for one in found.json["members"]]) == (200, [eve["id"]])
    assert (await client.send("PUT", at, group, If_Match=first)).status == 412


async def test_what_must_not_be_there_yet_is_not_changed(client: Client) -> None:
    made = await client.user()
    at = f"/Users/{made['id']}"
    title = {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    for tag in ("*", made["meta"]["version"]):
        assert (await client.send("PUT", at, made, If_None_Match=tag)).status == 412
        assert (await client.send("PATCH", at, title, If_None_Match=tag)).status == 412
        assert (await client.send("DELETE", at, If_None_Match=tag)).status == 412
    assert (await client.send("PATCH", at, title, If_None_Match='W/"7"')).status == 200


async def test_a_filter_that_says_nothing_is_not_everyone(client: Client) -> None:
    await client.user("ada@example.com")
    named = "filter=userName%20eq%20%22ada%40example.com%22"
    for query in ("filter=", "filter=%20", f"{named}&filter=", f"{named}&{named}", f"Filter=&{named}"):
        refused = await client.get(f"/Users?{query}")
        assert (refused.status, refused.scim_type) == (400, "invalidFilter"), query
    refused = await client.post("/Users/.search", {"schemas": [SEARCH], "filter": " "})
    assert (refused.status, refused.scim_type) == (400, "invalidFilter")


async def test_a_patched_group_is_shown_with_its_members_where_they_are_asked_for(client: Client) -> None:
    ada = await client.user()
    group = await client.group("Support", ada["id"])
    name = {"Operations": [{"op": "replace", "path": "displayName", "value": "Help"}]}
    for query, shown in (
        ("attributes=displayName,members", True),
        ("excludedAttributes=externalId", True),
        ("attributes=displayName", False),
        ("excludedAttributes=members", False),
    ):
        made = await client.send("PATCH", f"/Groups/{group['id']}?{query}", name)
        assert (made.status, made.json["displayName"]) == (200, "Help")
        assert [one["value"] for one in made.json.get("members", [])] == ([ada["id"]] if shown else []), query


async def test_head_is_get_without_a_body(client: Client) -> None:
    made = await client.user()
    for path in ("/Users", f"/Users/{made['id']}", "/Schemas"):
        seen, head = await client.get(path), await client.send("HEAD", path)
        assert (head.status, head.raw, head.headers["Content-Length"]) == (200, b"", str(len(seen.raw)))


@pytest.mark.parametrize(
    ("query", "start", "shown"),
    [
        ({"count": "0"}, 1, 0),
        ({"count": "-3"}, 1, 0),
        ({"startIndex": "0"}, 1, 3),
        ({"startIndex": "-7", "count": "2"}, 1, 2),
        ({"startIndex": "3"}, 3, 1),
        ({"startIndex": "4"}, 4, 0),
        ({"startIndex": "99999999999999999999999", "count": "5"}, 2**31 - 1, 0),
        ({"count": "100000"}, 1, 3),
        ({"STARTINDEX": "2", "Count": "1"}, 2, 1),
    ],
)
async def test_pages(client: Client, query: dict[str, str], start: int, shown: int) -> None:
    for _ in range(3):
        await client.user()
    found = (await client.get("/Users", **query)).json
    assert (found["totalResults"], found["startIndex"]) == (3, start)
    assert found["itemsPerPage"] == len(found["Resources"]) == shown


async def test_a_page_is_bounded_and_the_configuration_says_how(client: Client) -> None:
    said = (await client.get("/ServiceProviderConfig")).json
    assert said["filter"] == {"supported": True, "maxResults": PAGE}
    assert said["bulk"]["supported"] is False
    assert said["etag"]["supported"] and said["sort"]["supported"] and said["patch"]["supported"]


async def test_only_what_is_asked_for_is_shown(client: Client) -> None:
    made = await client.user(
        "ada@example.com",
        displayName="Ada",
        name={"givenName": "Ada", "familyName": "L"},
        **{ENTERPRISE: {"division": "x"}},
    )
    at = f"/Users/{made['id']}"
    always = {"id", "schemas"}
    assert set((await client.get(at, attributes="displayname")).json) == {*always, "displayName"}
    assert (await client.get(at, attributes="name.givenName,nope")).json["name"] == {"givenName": "Ada"}
    assert set((await client.get(at, attributes=f"{CORE}:userName,{ENTERPRISE}")).json) == {
        *always,
        "userName",
        ENTERPRISE,
    }
    assert "meta" not in (await client.get(at, excludedAttributes="meta,id,schemas")).json
    assert (await client.get(at, excludedAttributes="name.familyName")).json["name"] == {"givenName": "Ada"}
    assert (await client.get(at, attributes="meta.location")).json["meta"] == {"location": made["meta"]["location"]}
    listed = (await client.get("/Users", attributes="userName")).json["Resources"]
    assert [set(one) for one in listed] == [{*always, "userName"}]
    changed = await client.send(
        "PATCH", f"{at}?attributes=title", {"Operations": [{"op": "add", "path": "title", "value": "x"}]}
    )
    assert changed.json == {"id": made["id"], "schemas": changed.json["schemas"], "title": "x"}
    posted = await client.send("POST", "/Users?attributes=userName", {"userName": "b@example.com"})
    assert set(posted.json) == {*always, "userName"}


async def test_groups_show_their_members_and_people_their_groups(client: Client) -> None:
    one = await client.user()
    group = await client.group("Support", one["id"])
    members = (await client.get(f"/Groups/{group['id']}")).json["members"]
    assert members == [{"value": one["id"], "type": "User", "$ref": one["meta"]["location"]}]
    nested = {"op": "add", "path": "members", "value": [{"value": group["id"]}]}
    assert (await client.patch(f"/Groups/{group['id']}", nested)).scim_type == "invalidValue"
    shown = (await client.get(f"/Users/{one['id']}")).json["groups"]
    assert shown == [{"value": group["id"], "display": "Support", "$ref": group["meta"]["location"], "type": "direct"}]
    changed = await client.send("PATCH", f"/Groups/{group['id']}?attributes=displayName", {"Operations": []})
    assert (changed.status, changed.json["displayName"]) == (200, "Support")


async def test_sorting(client: Client) -> None:
    for name in ("b", "A", "c"):
        await client.user(f"{name}@example.com", name={"familyName": name}, emails=[{"value": f"{name}@example.com"}])
    for by in ("userName", "name.familyName", "emails", f"{CORE}:username"):
        up = (await client.get("/Users", sortBy=by)).json["Resources"]
        assert [one["userName"][0] for one in up] == ["A", "b", "c"], by
    down = (await client.get("/Users", sortBy="userName", sortOrder="Descending")).json["Resources"]
    assert [one["userName"][0] for one in down] == ["c", "b", "A"]
    assert (await client.get("/Users", sortBy="nope")).scim_type == "invalidValue"
    assert (await client.get("/Users", sortBy="userName", sortOrder="up")).scim_type == "invalidValue"


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "remove", "path": 'emails[type eq "none"].display'}, "noTarget"),
        ({"op": "replace", "path": "nope", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails.value", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "name[givenName pr]", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[nope eq "x"].value', "value": "x"}, "invalidFilter"),
        ({"op": "replace", "path": 'emails[type eq "x"', "value": "x"}, "invalidFilter"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "x"}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove", "path": "active"}, "mutability"),
        ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue"),
        pytest.param({"op": "replace", "path": "title", "value": "x" * 2000}, "invalidValue", id="long"),
        pytest.param({"op": "replace", "path": "title", "value": "a\0b"}, "invalidValue", id="nul"),
        pytest.param({"op": "replace", "path": "title", "value": "\ud800"}, "invalidValue", id="half"),
        ({"op": "replace", "value": "x"}, "invalidValue"),
        ({"op": "move", "path": "title"}, "invalidSyntax"),
        ({"path": "title"}, "invalidSyntax"),
        ("replace", "invalidSyntax"),
        ({"op": "replace", "path": 7}, "invalidPath"),
    ],
)
async def test_a_refused_operation_undoes_those_before_it(client: Client, operation: Any, scim_type: str) -> None:
    made = await client.user()
    refused = await client.patch(f"/Users/{made['id']}", {"op": "add", "path": "title", "value": "x"}, operation)
    assert (refused.status, refused.scim_type) == (400, scim_type)
    assert "title" not in (await client.get(f"/Users/{made['id']}")).json


async def test_one_value_is_primary_at_a_time(client: Client) -> None:
    made = await client.user(
        emails=[{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": True}]
    )
    assert [one.get("primary") for one in made["emails"]] == [True, False]
    other = {"op": "add", "path": "emails", "value": {"value": "c@example.com", "primary": "true"}}
    changed = await client.patch(f"/Users/{made['id']}", other)
    assert [one.get("primary") for one in changed.json["emails"]] == [False, False, True]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/Schemas", 405),
        ("DELETE", "/ServiceProviderConfig", 405),
        ("PUT", "/ResourceTypes/User", 405),
        ("PATCH", "/Users", 405),
        ("POST", f"/Users/{NOBODY}", 405),
        ("GET", "/Users/.search", 405),
        ("GET", "/Me", 501),
        ("POST", "/Bulk", 501),
        ("GET", "/Nothing", 404),
        ("GET", "/", 404),
        ("GET", f"/Users/{NOBODY}", 404),
        ("GET", f"/Users/{NOBODY.replace('-', '')}", 404),
        ("GET", f"/Users/{NOBODY}/more", 404),
        ("GET", "/Users/ada%2F..%2FGroups", 404),
        ("GET", "/Schemas/urn:nope", 404),
        ("GET", "/Schemas?filter=id%20pr", 403),
    ],
)
async def test_what_is_not_there_or_not_allowed(client: Client, method: str, path: str, status: int) -> None:
    refused = await client.send(method, path, {} if method in {"POST", "PUT", "PATCH"} else None)
    assert refused.status == status, refused.raw
    assert refused.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert refused.json["status"] == str(status)
    assert ("Allow" in refused.headers) is (status == 405)


async def test_kinds_and_schemas_can_be_read_one_by_one(client: Client) -> None:
    types = (await client.get("/ResourceTypes")).json
    assert [one["id"] for one in types["Resources"]] == ["User", "Group"]
    assert types["Resources"][0]["schemaExtensions"] == [{"schema": ENTERPRISE, "required": False}]
    for kind in types["Resources"]:
        assert (await client.get(f"/ResourceTypes/{kind['id']}")).json == kind
        assert (await client.get(f"/Schemas/{kind['schema']}")).json["id"] == kind["schema"]


@pytest.mark.parametrize(
    ("raw", "media", "status"),
    [
        (b"{", "application/scim+json", 400),
        (b"", "application/scim+json", 400),
        (b"[]", "application/scim+json", 400),
        (b"\xff\xfe", "application/scim+json", 400),
        pytest.param(b"[" * 100_000, "application/scim+json", 400, id="deep"),
        (b'{"userName": "x"}', "text/plain", 415),
        (b'{"userName": "x"}', "application/x-www-form-urlencoded", 415),
        (b'{"userName": 17}', "Application/JSON", 201),
        (b'{"USERNAME": "y@example.com", "unknown": {"a": [1]}}', "application/json;charset=utf-8", 201),
        (b'{"userName": ""}', "application/json", 400),
        (b'{"userName": null}', "application/json", 400),
        (b'{"userName": true}', "application/json", 400),
        (b'{"userName": "\\ud800"}', "application/json", 400),
        (b"{}", "application/json", 400),
    ],
)
async def test_bodies(client: Client, raw: bytes, media: str, status: int) -> None:
    assert (await client.send("POST", "/Users", raw=raw, Content_Type=media)).status == status


async def test_limits_are_named_in_the_answer(client: Client) -> None:
    made, group = await client.user(), await client.group()
    at = f"/Users/{made['id']}"
    large = await client.send("POST", "/Users", raw=b'{"userName":"' + b"x" * 4_200_000 + b'"}')
    assert (large.status, "4194304" in large.json["detail"]) == (413, True)
    title = {"op": "replace", "path": "title", "value": "x"}
    many = await client.patch(at, *[title] * 1001)
    assert (many.scim_type, "1000" in many.json["detail"]) == ("tooMany", True)
    members = {"op": "add", "path": "members", "value": [{"value": "x"}] * 20_001}
    crowd = await client.patch(f"/Groups/{group['id']}", members)
    assert (crowd.scim_type, "20000" in crowd.json["detail"]) == ("tooMany", True)
    for text, limit in [("(" * 30 + "title pr" + ")" * 30, "20"), (f'title eq "{"x" * 8200}"', "8192")]:
        refused = await client.post("/Users/.search", {"filter": text})
        assert (refused.scim_type, limit in refused.json["detail"]) == ("invalidFilter", True)
    emails = [{"value": f"{number}@example.com"} for number in range(101)]
    assert "100" in (await client.post("/Users", {"userName": "x", "emails": emails})).json["detail"]


async def test_a_rule_of_the_workspace_is_403_in_its_own_words(modelled: Client) -> None:
    refused = await modelled.post("/Users", {"userName": "x", "emails": [{"value": "x@forbidden.example"}]})
    assert refused.status == 403
    assert "forbidden.example is not verified" in refused.json["detail"]


async def test_deleted_is_gone_and_can_come_again(client: Client) -> None:
    made, group = await client.user("ada@example.com"), await client.group("Support")
    for at in (f"/Users/{made['id']}", f"/Groups/{group['id']}"):
        gone = await client.delete(at)
        assert (gone.status, gone.raw) == (204, b"")
        assert (await client.delete(at)).status == 404
    again = await client.user("ada@example.com")
    assert again["id"] != made["id"]


async def test_names_in_any_case_and_with_their_schema(client: Client) -> None:
    made = await client.post("/Users", {"USERNAME": "ada", f"{CORE}:displayName": "Ada", "NAME": {"GIVENNAME": "A"}})
    assert (made.json["displayName"], made.json["name"]) == ("Ada", {"givenName": "A"})
    changed = await client.patch(f"/Users/{made.json['id']}", {"OP": "REPLACE", "PATH": f"{CORE}:TITLE", "VALUE": "x"})
    assert changed.json["title"] == "x"
    changed = await client.send(
        "PATCH", f"/Users/{made.json['id']}", {"operations": [{"op": "remove", "path": "TITLE"}]}
    )
    assert "title" not in changed.json
    found = await client.get("/Users", filter=f'{CORE}:NAME.givenname sw "a"')
    assert found.json["totalResults"] == 1


async def test_a_whole_schema_is_a_path(client: Client) -> None:
    made = await client.user(**{ENTERPRISE: {"division": "x", "department": "y"}})
    at = f"/Users/{made['id']}"
    changed = await client.patch(at, {"op": "replace", "path": ENTERPRISE, "value": {"division": "z"}})
    assert changed.json[ENTERPRISE] == {"division": "z", "department": "y"}
    changed = await client.patch(at, {"op": "remove", "path": ENTERPRISE})
    assert ENTERPRISE not in changed.json
    assert (await client.patch(at, {"op": "remove", "path": CORE})).scim_type == "mutability"


async def test_group_names_are_unique(client: Client) -> None:
    await client.group("Support")
    again = await client.post("/Groups", {"schemas": [GROUP], "displayName": "SUPPORT"})
    assert (again.status, again.scim_type) == (409, "uniqueness")


async def test_what_is_unique_is_said_and_named_as_clients_name_it(client: Client) -> None:
    said = {
        (schema["name"], one["name"]): one.get("uniqueness")
        for schema in (await client.get("/Schemas")).json["Resources"]
        for one in schema["attributes"]
    }
    unique = {("User", "userName"), ("User", "externalId"), ("Group", "displayName"), ("Group", "externalId")}
    assert {name for name, how in said.items() if how == "server"} == unique
    await client.user(externalId="E1")
    await client.group("Support")
    for path, body, named in (
        ("/Users", {"userName": "eve@example.com", "externalId": "E1"}, "externalId"),
        ("/Groups", {"displayName": "support"}, "displayName"),
    ):
        refused = await client.post(path, body)
        assert (refused.status, named in refused.json["detail"]) == (409, True)


async def test_members_of_all_operations_together_are_counted(client: Client) -> None:
    group, half = await client.group(), [{"value": NOBODY[:-8] + f"{number:08x}"} for number in range(MOST_MEMBERS)]
    add = {"op": "add", "path": "members", "value": half}
    refused = await client.patch(f"/Groups/{group['id']}", add, {**add, "value": [{"value": NOBODY}]})
    assert (refused.status, refused.scim_type) == (400, "tooMany")
