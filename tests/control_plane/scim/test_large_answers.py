"""More than one answer holds: whoever asked is told how to ask for less, and others do not notice."""

from contracts.directory import LARGEST_DOCUMENT
from tests.control_plane.scim.world import World
from tests.waiting import eventually

PARTS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
FULL = [{"type": str(number), **dict.fromkeys(PARTS, "x" * 1024)} for number in range(100)]


async def test_a_page_that_is_too_large_stops_nobody(scim: World) -> None:
    client, other = scim.client(), scim.client()
    for _ in range(7):  # as no cell keeps them any more: 600 KB each
        await client.user(addresses=FULL)
    for _ in range(6):  # one more than open a breaker
        refused = await client.get("/Users", count="100")
        assert (refused.status, refused.scim_type, "count" in refused.json["detail"]) == (400, "tooMany", True)
    assert (await other.get("/Users")).status == 200
    assert (await client.get("/Users", count="2")).json["itemsPerPage"] == 2


async def test_a_change_that_is_too_large_for_a_cell_stops_nobody(scim: World) -> None:
    client, other = scim.client(), scim.client()
    more = [{"type": str(number), "value": f"{number}", "display": "x" * 1024} for number in range(100)]
    body = {"userName": "ada@example.com", "addresses": FULL, "phoneNumbers": more, "roles": more, "entitlements": more}
    several = [{**one, "value": f"{'x' * 1000}{one['type']}"} for one in more]
    for _ in range(6):
        refused = await client.post("/Users", {**body, "phoneNumbers": several, "roles": several})
        assert (refused.status, f"{LARGEST_DOCUMENT} bytes" in refused.json["detail"]) == (413, True)
    await eventually(lambda: any(note.reason == "status-413" for note in scim.cell.notes), 5)
    assert (await other.get("/Users")).status == 200
