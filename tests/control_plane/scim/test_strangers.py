"""Whoever has no good token costs nothing but the question whether it is one, and shuts out nobody who has."""

import asyncio
from typing import Any

import pytest

from contracts.directory import MOST_STEPS, Find, Get
from contracts.placements import State
from contracts.tokens import Kind, new_bearer
from control_plane.scim import bodies, endpoints, filters
from control_plane.scim.errors import ScimError
from control_plane.scim.grammar import MOST_TERMS_IN_ALL
from control_plane.scim.limits import STRANGERS_PER_S
from control_plane.scim.names import USERS
from control_plane.scim.patching import steps
from tests.control_plane.scim.world import Client, World
from tests.waiting import eventually

ANY = "/Users/00000000-0000-0000-0000-000000000001"
_ONE = "emails[type eq {}]"


def stranger(client: Client) -> Client:
    """Somebody with an invented token of the same workspace."""
    word = new_bearer(Kind.DIRECTORY, client.base.rpartition("/")[2])
    return Client(client.http, client.base, word.text)


def many_keys(number: int) -> dict[str, Any]:
    return {"Operations": [{"op": "add", "value": {_ONE.format(one): "" for one in range(number)}}]}


async def test_nothing_of_a_stranger_is_parsed(scim: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("it was parsed")

    for at, name in ((endpoints, "steps"), (filters, "compiled"), (bodies.Body, "json")):
        monkeypatch.setattr(at, name, parsed)
    unknown = stranger(scim.client())
    asked = len(scim.cell.asked)
    assert (await unknown.send("PATCH", ANY, many_keys(10))).status == 401
    assert (await unknown.get("/Users", filter='nope eq "x"', count="many")).status == 401
    assert (await unknown.post("/Users", {})).status == 401
    assert [type(one) for one in scim.cell.asked[asked:]] == [Get, Get, Get]


async def test_a_stranger_who_sends_no_body_is_refused_without_it(scim: World) -> None:
    unknown = stranger(scim.client())
    host, port = scim.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    path = unknown.base.partition(port)[2]
    head = f"POST {path}/Users HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {unknown.token}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode())
    try:
        assert b" 401" in await asyncio.wait_for(reader.readline(), 60)
    finally:
        writer.close()


async def test_slow_bodies_take_nobodys_turn(scim: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client, more = scim.client(), asyncio.Event()

    async def slowly() -> Any:
        yield b"{"
        await more.wait()
        yield b"}"

    await client.get("/Users?count=0")
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    sending = [
        asyncio.create_task(client.http.post(f"{client.base}/Users", data=slowly(), headers=headers)) for _ in range(6)
    ]
    await eventually(lambda: scim.scim._memory._of.total() == len(sending), 20)
    assert (await asyncio.wait_for(client.get("/Users?count=0"), 60)).status == 200
    more.set()
    assert {one.status for one in await asyncio.gather(*sending)} == {400}


async def test_guessing_does_not_shut_out_the_identity_provider(scim: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scim.scim._lanes, "_clock", lambda: 0.0)  # no second passes
    client = scim.client()
    guessing = [stranger(client) for _ in range(STRANGERS_PER_S + 1)]
    guesses = [one.send("GET", "/Users", X_Forwarded_For="192.0.2.66") for one in guessing]
    assert {one.status for one in await asyncio.gather(*guesses)} == {401, 429}
    assert (await client.send("GET", "/Users", X_Forwarded_For="192.0.2.1")).status == 200  # for the first time
    assert (await client.send("GET", "/Users", X_Forwarded_For="192.0.2.66")).status == 200  # it is known now


async def test_a_known_token_costs_one_call_and_a_new_one_one_more_however_many_requests(scim: World) -> None:
    client = scim.client()
    asked = len(scim.cell.asked)
    first = await asyncio.gather(*(client.get("/Users") for _ in range(3 * STRANGERS_PER_S)))
    assert {one.status for one in first} == {200}
    assert [type(one) for one in scim.cell.asked[asked:]].count(Get) == 1
    asked = len(scim.cell.asked)
    await client.get("/Users")
    assert [type(one) for one in scim.cell.asked[asked:]] == [Find]


@pytest.mark.parametrize("state", list(State))
async def test_how_a_workspace_is_nobody_learns_without_a_token(scim: World, state: State) -> None:
    placement, _ = scim.workspace(state)
    word = new_bearer(Kind.DIRECTORY, placement.key)
    assert (await scim.client(word).get("/Users")).status == 401


async def test_one_request_has_a_budget_of_terms_and_names() -> None:
    row = " or ".join(["type eq a"] * 150)
    long = [{"op": "remove", "path": f"emails[{row}]"}] * 20
    with pytest.raises(ScimError) as refused:
        await steps(USERS, {"Operations": long})
    assert (refused.value.scim_type, str(MOST_TERMS_IN_ALL) in refused.value.detail) == ("tooMany", True)
    with pytest.raises(ScimError) as refused:
        await steps(USERS, many_keys(12_000))
    assert refused.value.scim_type == "tooMany"
    several = [{"op": "remove", "path": _ONE.format(number)} for number in range(MOST_STEPS)]
    assert len(await steps(USERS, {"Operations": several})) == MOST_STEPS


async def test_others_have_their_turn_while_much_is_parsed() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    assert await steps(USERS, many_keys(200)) == []
    beside.cancel()
    assert turns >= 5


def test_bodies_are_bounded_together_and_for_each_workspace(scim: World) -> None:
    memory = bodies.Memory()
    ids = [scim.workspace()[0].workspace_id for _ in range(bodies.HELD // bodies.SHARE + 1)]
    with memory.share(ids[0]) as share:
        share.take(bodies.SHARE)
        with memory.share(ids[0]) as more, pytest.raises(ScimError) as refused:
            more.take(1)
        assert refused.value.status == 429
        for other in ids[1:-1]:
            memory.take(other, bodies.SHARE)
        with memory.share(ids[-1]) as last, pytest.raises(ScimError) as refused:
            last.take(1)
        assert refused.value.status == 503
    with memory.share(ids[-1]) as last:
        last.take(1)
