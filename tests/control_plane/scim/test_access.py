"""Who is let in, how much at once, and what happens while the cell is away."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import quote
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from contracts.directory import Applied, Apply, Note
from contracts.directory_schema import Resource
from contracts.peers import Peer
from contracts.placements import State
from contracts.tokens import Kind, new_bearer
from control_plane.scim import app
from control_plane.scim.errors import ScimError
from control_plane.scim.limits import AT_ONCE, IN_LINE, STRANGERS_PER_S, Lane, Lanes
from kit.ports import free_port
from tests.control_plane.scim.world import CELL, CORE, PATCH_OP, Client, World, world
from tests.waiting import eventually


async def test_without_a_good_token_everything_is_401(scim: World) -> None:
    client, other = scim.client(), scim.client()
    never = new_bearer(Kind.DIRECTORY, client.base.rpartition("/")[2]).text
    api = client.token.replace("ccd_", "cct_")
    for token in ("", "x", never, other.token, api, client.token[:-1], client.token + "0"):
        for path in ("/Users", "/ServiceProviderConfig", "/Nothing", "/Users/x%2Fy", "/Me", ""):
            refused = await scim_as(client, token).send("GET", path)
            assert refused.status == 401, (token, path)
            assert refused.headers["WWW-Authenticate"].startswith("Bearer")
            assert refused.json["status"] == "401"


def scim_as(client: Client, token: str) -> Client:
    return Client(client.http, client.base, token)


async def test_the_scheme_is_read_in_any_case_and_only_once(scim: World) -> None:
    client = scim.client()
    assert (await client.send("GET", "/Users", Authorization=f"bearer {client.token}")).status == 200
    assert (await client.send("GET", "/Users", Authorization=f"Basic {client.token}")).status == 401
    assert (await client.send("GET", "/Users", Authorization=client.token)).status == 401


@pytest.mark.parametrize(
    "path", ["/scim%2Fv2/{key}/Users", "/scim/v2%2F{key}/Users", "/scim/v2/%2F{key}/Users", "/scim/v3/{key}/Users"]
)
async def test_encoded_slashes_skip_nothing(scim: World, path: str) -> None:
    client = scim.client()
    key = client.base.rpartition("/")[2]
    at = Client(client.http, scim.url, client.token)
    assert (await at.send("GET", path.format(key=key))).status == 401
    assert (await at.send("GET", f"/scim/v2/{key}//Users/")).status == 200


async def test_a_token_of_one_workspace_opens_no_other(scim: World) -> None:
    one, other = scim.client(), scim.client()
    made = await one.user()
    assert (await other.get(f"/Users/{made['id']}")).status == 404
    assert (await other.get("/Users")).json["totalResults"] == 0
    assert (await Client(one.http, other.base, one.token).get("/Users")).status == 401


async def test_two_tokens_at_once_and_one_revoked(scim: World) -> None:
    placement, first = scim.workspace()
    second = scim.token(placement)
    made = await scim.client(first).user()
    assert (await scim.client(second).get(f"/Users/{made['id']}")).status == 200
    del scim.cell.credentials[first.digest.hex()]
    assert (await scim.client(first).get("/Users")).status == 401
    assert (await scim.client(second).get("/Users")).status == 200


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.ACTIVE, 200),
        (State.FROZEN, 503),
        (State.PROVISIONING, 503),
        (State.SUSPENDED, 403),
        (State.DELETING, 401),
        (State.DELETED, 401),
    ],
)
async def test_a_workspace_that_is_not_in_use(scim: World, state: State, status: int) -> None:
    answer = await scim.client(scim.workspace(state)[1]).get("/Users")
    assert answer.status == status
    assert ("Retry-After" in answer.headers) is (status == 503)


async def test_a_call_carries_the_digest_and_never_the_token(scim: World) -> None:
    client = scim.client()
    await client.user("ada@example.com")
    said = next(one for one in reversed(scim.cell.asked) if isinstance(one, Apply))
    assert client.token not in said.model_dump_json()
    assert said.asked == "POST /Users"


async def test_what_is_refused_here_reaches_the_provisioning_log(modelled: Client, scim: World) -> None:
    before = len(scim.cell.notes)
    await modelled.send("GET", "/Users?filter=nope+eq+%22x%22")
    await eventually(lambda: len(scim.cell.notes) > before, 5)
    note: Note = scim.cell.notes[-1]
    assert (note.asked, note.reason) == ('GET /Users?filter=nope eq "x"', "invalidFilter")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/Users?filter=Password%20eq%20%22hunter%5C%222%22%20and%20nope%20eq%20%22x%22", "/Users?filter=***"),
        ("/Users?filter=password+eq%22hunter2%22", "/Users?filter=***"),
        ("/Users?count=1&FILTER=p%61ssword%5Bvalue+eq+%22hunter2%22%5D", "/Users?count=1&filter=***"),
        (f"/Users?filter={quote(CORE)}%3APASSWORD%20ne%20hunter2", "/Users?filter=***"),
        ("/Users?filter=nope+pr+and+(password%0Aco%09hunter2)", "/Users?filter=***"),
        ("/Users?filter=nope+pr&sortBy=password+eq+hunter2", "/Users?filter=nope pr&sortBy=***"),
        ("/Users?filter=nope+pr&password=hunter2&access_token=hunter2", "/Users?filter=nope pr"),
        ("/Users?hunter2&hunter2=&filter=", "/Users?filter="),
        ("/Users%3Ffilter=password%20eq%20%22hunter2%22?filter=", "/***?filter="),
    ],
)
async def test_a_password_in_an_address_is_not_noted(modelled: Client, scim: World, path: str, shown: str) -> None:
    before = len(scim.cell.notes)
    assert (await modelled.send("POST" if "%3F" in path else "GET", path)).status in {400, 404}
    await eventually(lambda: len(scim.cell.notes) > before, 5)
    assert scim.cell.notes[-1].asked.partition(" ")[2] == shown


async def test_a_change_is_noted_without_what_else_stands_in_its_address(modelled: Client, scim: World) -> None:
    await modelled.send("POST", "/Users?password=hunter2&attributes=userName", {"userName": "ada@example.com"})
    said = next(one for one in reversed(scim.cell.asked) if isinstance(one, Apply))
    assert said.asked == "POST /Users?attributes=userName"


async def test_that_there_is_nothing_to_read_is_no_refusal(modelled: Client, scim: World) -> None:
    before = len(scim.cell.notes)
    for path in ("/Users/nobody", "/Me", "/nope"):
        assert (await modelled.get(path)).status in {404, 501}
    assert (await modelled.send("HEAD", "/Users")).status == 200
    await modelled.delete("/Users/nobody")
    await eventually(lambda: len(scim.cell.notes) > before, 5)
    assert [one.asked for one in scim.cell.notes[before:]] == ["DELETE /Users/nobody"]


async def test_nothing_that_was_sent_stands_in_the_log(modelled: Client) -> None:
    canary = "canary7f3a"
    with capture_logs() as lines:
        await modelled.post("/Users", {"userName": f"{canary}@example.com", "password": canary, "title": [canary]})
        await modelled.get("/Users", filter=f'nope eq "{canary}"')
        await modelled.post("/Users", {"userName": "x", "emails": [{"value": f"{canary}@forbidden.example"}]})
        await modelled.send("POST", "/Users", raw=canary.encode())
        await modelled.get(f"/{canary}")
    assert 400 in {line.get("status") for line in lines}
    assert canary not in repr(lines)


async def test_a_password_does_not_leave_the_door(modelled: Client, scim: World) -> None:
    made = await modelled.user(password="hunter22")
    await modelled.patch(f"/Users/{made['id']}", {"op": "replace", "path": "password", "value": "hunter22"})
    await modelled.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"password": "hunter22", "title": "x"}})
    await modelled.put(f"/Users/{made['id']}", {**made, "Password": "hunter22"})
    assert "hunter22" not in "".join(one.model_dump_json() for one in scim.cell.asked)


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def passes(lane: Lane) -> None:
    lane.take()
    async with lane.passing():
        pass


async def test_a_workspace_has_a_bucket_of_its_own() -> None:
    clock, one, other = Clock(), uuid4(), uuid4()
    lanes = Lanes(50, clock)
    for _ in range(50):
        await passes(lanes.lane(one))
    with pytest.raises(ScimError) as refused:
        await passes(lanes.lane(one))
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
    await passes(lanes.lane(other))
    clock.now += 0.125
    for _ in range(6):
        await passes(lanes.lane(one))


async def test_guessing_stops_nobody_who_comes_from_elsewhere() -> None:
    workspace, lanes = uuid4(), Lanes(50, Clock())
    for _ in range(STRANGERS_PER_S):
        await passes(lanes.strangers(workspace, "192.0.2.1"))
    with pytest.raises(ScimError):
        await passes(lanes.strangers(workspace, "192.0.2.1"))
    await passes(lanes.strangers(workspace, "192.0.2.2"))
    await passes(lanes.lane(workspace))


def test_a_credential_is_known_for_a_day() -> None:
    clock, workspace = Clock(), uuid4()
    lanes = Lanes(50, clock)
    lanes.accepted(workspace, "good")
    clock.now += 23 * 3600
    assert lanes.knows(workspace, "good") and not lanes.knows(uuid4(), "good")
    clock.now += 2 * 3600
    assert not lanes.knows(workspace, "good")
    lanes.accepted(workspace, "good")
    lanes.refused(workspace, "good")
    assert not lanes.knows(workspace, "good")


async def test_a_line_is_not_endless() -> None:
    gate, inside = asyncio.Event(), list[int]()
    lane = Lanes(100_000).lane(uuid4())

    async def wait(number: int) -> None:
        async with lane.passing():
            inside.append(number)
            await gate.wait()

    waiting = [asyncio.create_task(wait(number)) for number in range(AT_ONCE + IN_LINE)]
    await eventually(lambda: len(inside) == AT_ONCE, 5)
    with pytest.raises(ScimError) as refused:
        await wait(-1)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
    gate.set()
    await asyncio.gather(*waiting)
    assert inside == list(range(AT_ONCE + IN_LINE))


async def test_whoever_waits_in_line_is_sent_away_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as here, AsyncExitStack() as stack:
        placement, token = here.workspace()
        client = here.client(token)
        assert (await client.get("/Users")).status == 200
        for _ in range(AT_ONCE):  # they wait for a slow cell
            await stack.enter_async_context(here.scim._lanes.lane(placement.workspace_id).passing())
        monkeypatch.setattr(app, "ENDS_S", 0.1)
        async with asyncio.timeout(10):
            refused = await client.get("/Users")
        assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (503, True)


async def test_429_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(per_s=5) as small:
        monkeypatch.setattr(small.scim._lanes, "_clock", lambda: 0.0)  # no second passes
        client = small.client()
        answers = [await client.get("/Users") for _ in range(8)]
        late = next(one for one in answers if one.status == 429)
        assert int(late.headers["Retry-After"]) >= 1
        assert (await small.client().get("/Users")).status == 200


async def test_that_somebody_is_sent_away_is_noted_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(per_s=5) as small:
        clock = Clock()
        monkeypatch.setattr(small.scim._lanes, "_clock", clock)
        (_, one), (_, other) = small.workspace(), small.workspace()

        async def noted(minutes: int) -> None:
            for token in (one, other):
                answers = [await small.client(token).get("/Users") for _ in range(9)]
                assert [answer.status for answer in answers].count(429) > 1
            await eventually(lambda: len(small.cell.notes) == 2 * minutes, 5)

        await noted(1)
        assert {note.reason for note in small.cell.notes} == {"status-429"}
        assert {note.credential for note in small.cell.notes} == {one.digest.hex(), other.digest.hex()}
        clock.now += 30
        assert 429 in [(await small.client(one).get("/Users")).status for _ in range(9)]
        clock.now += 31
        await noted(2)


async def test_with_the_cell_gone_the_answer_is_503_at_once_and_nothing_is_half_done() -> None:
    async with world() as here:
        client = here.client()
        made = await client.user()
        here.peers.replace([away(here)])
        for number in range(8):
            began = time.perf_counter()
            title = {"op": "replace", "path": "title", "value": str(number)}
            answer = await client.patch(f"/Users/{made['id']}", title)
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert json.loads(answer.raw)["status"] == "503"
            assert time.perf_counter() - began < 2
        began = time.perf_counter()
        assert (await client.get("/Users")).status == 503
        assert time.perf_counter() - began < 0.3  # the breaker is open: nobody is asked


def away(here: World) -> Peer:
    """The cell at a port where nobody is."""
    known = here.peers.get(CELL)
    assert known is not None
    return replace(known, url=f"http://{CELL}.localhost:{free_port()}")


def lost_answers() -> Iterator[bool]:
    """The first answer is lost."""
    yield True
    while True:
        yield False


async def test_a_change_whose_answer_was_lost_is_made_once() -> None:
    async with world() as here:
        client = here.client()
        lost = lost_answers()
        here.cell.loses = lambda: next(lost)
        made = await client.user("ada@example.com")
        assert (await client.get("/Users")).json["totalResults"] == 1
        again = await client.post("/Users", {"userName": made["userName"]})
        assert (again.status, again.scim_type) == (409, "uniqueness")


async def test_a_change_whose_answer_was_lost_is_404_where_it_has_been_undone_since() -> None:
    async with world() as here:
        client = here.client()
        made = await client.user("ada@example.com")
        lost = lost_answers()

        def erased() -> bool:
            """As a cell answers who asks again for what it has done, when the person is gone."""
            request_id = next(reversed(here.cell.applied))
            here.cell.applied[request_id] = Applied(item=None, changed=True)
            return next(lost)

        here.cell.loses = erased
        gone = await client.patch(f"/Users/{made['id']}", {"op": "replace", "path": "title", "value": "x"})
        assert (gone.status, gone.json["status"]) == (404, "404")


async def test_a_group_that_is_erased_once_it_was_changed_was_changed() -> None:
    async with world() as here:
        placement, token = here.workspace()
        client = here.client(token)
        group = await client.group("Support")

        def erased() -> bool:
            here.cell.workspaces[placement.workspace_id].kept[Resource.GROUP].clear()
            return False

        here.cell.loses = erased
        name = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "Help"}]}
        changed = await client.send("PATCH", f"/Groups/{group['id']}?attributes=members", name)
        assert (changed.status, changed.raw) == (204, b"")
        assert changed.etag != group["meta"]["version"]
