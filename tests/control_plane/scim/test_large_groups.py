"""Groups with more members than an answer names, before a real cell: refused with words, never cut short."""

import json
from uuid import UUID

import asyncpg
from sqlalchemy import text

from cell.directory.credentials import NewToken, create
from cell.directory.shapes import MOST_SEARCHED
from cell.people.service import actor_of
from contracts.directory import MOST_MEMBERS
from contracts.placements import Placement, State
from kit.calls.operations import LARGEST_REQUEST
from tests.cell.world import World as CellWorld
from tests.control_plane.scim.world import CELL, GROUP, World
from tests.servers.postgres import Postgres

_PEOPLE = """
INSERT INTO people (workspace_id, id, email, email_norm, name, role, active, created_at)
SELECT :w, gen_random_uuid(), n || '@many.example', n || '@many.example', 'many', 'agent', true, now()
  FROM generate_series(1, :many) n"""
_ENTRIES = """
INSERT INTO directory_people (workspace_id, id, user_name_norm, document, version, created_at, changed_at)
SELECT :w, id, email_norm, jsonb_build_object('user_name', email), 1, now(), now() FROM people
 WHERE workspace_id = :w AND name = 'many'"""
_MEMBERS = """
INSERT INTO directory_members (workspace_id, group_id, member_id)
SELECT :w, :g, id FROM people WHERE workspace_id = :w AND name = 'many'
ON CONFLICT DO NOTHING"""


async def test_a_group_with_more_members_than_an_answer_names(
    whole: World, cell_world: CellWorld, postgres: Postgres, cell_database: str
) -> None:
    workspace = await cell_world.found()
    whole.placements[workspace.key] = Placement(workspace.id, workspace.key, CELL, 1, State.ACTIVE, 1)
    async with cell_world.cell.database.writing(workspace.id) as tx:
        made = await create(tx, actor_of(workspace.admin), workspace.key, NewToken(name="tests"))
    client = whole.client(made.word)
    group = (await client.group("Everybody"))["id"]
    async with cell_world.cell.database.writing(workspace.id) as tx:
        await tx.execute(text(_PEOPLE).bindparams(w=workspace.id, many=MOST_MEMBERS))
        await tx.execute(text(_ENTRIES).bindparams(w=workspace.id))
        await tx.execute(text(_MEMBERS).bindparams(w=workspace.id, g=UUID(group)))
    await _analyzed(postgres.owner_dsn(cell_database))
    all_of_them = await client.get(f"/Groups/{group}")
    assert all_of_them.status == 200 and len(all_of_them.json["members"]) == MOST_MEMBERS
    assert len((await client.get("/Groups")).json["Resources"][0]["members"]) == MOST_MEMBERS

    one_more = (await client.user())["id"]
    add = {"op": "Add", "path": "members", "value": [{"value": one_more}]}
    assert (await client.patch(f"/Groups/{group}", add)).status == 204
    nobody = (await client.group("Nobody"))["id"]
    for path in (f"/Groups/{group}", "/Groups"):
        refused = await client.get(path)
        assert (refused.status, refused.scim_type) == (400, "tooMany")
        assert "excludedAttributes=members" in refused.json["detail"]
        assert (await client.get(path, excludedAttributes="members")).status == 200
        assert (await client.get(path, attributes="displayName")).status == 200
    # What fits comes, and the client goes on behind it.
    first = (await client.get("/Groups", sortBy="displayName", sortOrder="descending")).json
    assert [one["displayName"] for one in first["Resources"]] == ["Nobody"]
    assert (first["totalResults"], first["itemsPerPage"]) == (2, 1)
    assert (await client.get("/Groups", startIndex="2")).status == 200
    listed = await client.get("/Groups", filter='displayName eq "Nobody"')
    assert listed.status == 200 and listed.json["totalResults"] == 1
    within = await client.get("/Users", filter=f'groups.value eq "{group}"', count="1")
    assert within.json["totalResults"] == MOST_MEMBERS + 1
    many = await client.get("/Users", filter=" or ".join(["title pr"] * (MOST_SEARCHED + 1)))
    assert (many.status, many.scim_type) == (400, "invalidFilter")
    assert f"at most {MOST_SEARCHED} terms" in many.json["detail"]
    # As clients write a group of 10,000 whole: 2 MB, of which the ids alone go on to the cell.
    named = [{**one, "display": "Somebody of this group"} for one in all_of_them.json["members"][:10_000]]
    sent = {"schemas": [GROUP], "displayName": "Nobody", "members": named}
    assert len(json.dumps(sent)) > 3 * LARGEST_REQUEST // 2
    assert (await client.put(f"/Groups/{nobody}", sent)).status == 200
    assert len(await client.members(nobody)) == 10_000
    whole_again = {"schemas": [GROUP], "displayName": "Everybody", "members": [{"value": one_more}]}
    assert (await client.put(f"/Groups/{group}", whole_again)).status == 200
    assert await client.members(group) == [one_more]


async def _analyzed(dsn: str) -> None:
    """What autovacuum does soon after so many rows; before it the planner takes these tables for empty."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("ANALYZE people, directory_people, directory_members")
    finally:
        await connection.close()
