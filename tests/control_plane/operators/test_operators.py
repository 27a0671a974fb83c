"""Operators' tokens: one first, named, hashed, expiring, replaced with an overlap, ended at once."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from control_plane.act import acting
from control_plane.audit.service import BOOTSTRAP
from control_plane.operators import service
from control_plane.words import Kind, WordInvalid, new_word, parse_word
from kit.database import now
from kit.refusals import NotFound
from tests.control_plane.world import World


async def test_only_the_first_operator_is_bootstrapped(world: World) -> None:
    with pytest.raises(service.OperatorsExist):
        await _bootstrap(world, "second")


async def test_of_two_bootstraps_at_once_one_wins(world: World) -> None:
    await world.api("/operators/on-call/revoke", {}, 200)
    made = await asyncio.gather(*(_bootstrap(world, f"op-{n}") for n in range(6)), return_exceptions=True)
    assert sum(isinstance(one, service.Issued) for one in made) == 1
    assert sum(isinstance(one, service.OperatorsExist) for one in made) == 5


async def test_a_token_is_never_stored(world: World) -> None:
    issued = await world.api("/operators", {"name": "ci-deploy", "days": 1}, 201)
    word = parse_word(Kind.OPERATOR, f"Bearer {issued['token']}")
    connection = await asyncpg.connect(world.plane.settings.database_url)
    rows = await connection.fetch("select t::text from operator_tokens t union all select a::text from audit_entries a")
    await connection.close()
    stored = "\n".join(row[0] for row in rows)
    assert word.secret not in stored and word.digest.hex() in stored
    listed = await world.api("/operators")
    assert {one["name"] for one in listed["items"]} == {"on-call", "ci-deploy"}
    assert "token" not in listed["items"][0]


async def test_a_name_has_one_operator(world: World) -> None:
    made = await asyncio.gather(*(world.ask_json("/operators", {"name": "ci-deploy"}) for _ in range(5)))
    assert sorted(made) == [201, 409, 409, 409, 409]


async def test_a_rotated_token_counts_on_for_the_overlap_only(world: World) -> None:
    first = (await world.api("/operators", {"name": "ci-deploy"}, 201))["token"]
    second = (await world.api("/operators/ci-deploy/rotate", {"overlap_minutes": 10}, 200))["token"]
    for token in (first, second):
        assert (await world.ask("/api/operators/v1/cells", token=token)).status_code == 200
    third = (await world.api("/operators/ci-deploy/rotate", {"overlap_minutes": 0}, 200))["token"]
    statuses = [
        (await world.ask("/api/operators/v1/cells", token=token)).status_code for token in (first, second, third)
    ]
    assert statuses == [401, 401, 200]
    ends = sorted(one["expires_at"] for one in (await world.api("/operators"))["items"] if one["name"] == "ci-deploy")
    assert ends[0] < (now() + timedelta(minutes=11)).isoformat()


async def test_a_revoked_or_expired_token_is_refused_at_once(world: World) -> None:
    token = (await world.api("/operators", {"name": "ci-deploy"}, 201))["token"]
    assert (await world.api("/operators/ci-deploy/revoke", {}, 200))["tokens"] == 1
    assert (await world.ask("/api/operators/v1/cells", token=token)).status_code == 401
    await world.api("/operators/ci-deploy/revoke", {}, 404)
    connection = await asyncpg.connect(world.plane.settings.database_url)
    await connection.execute("update operator_tokens set expires_at = now() where name = 'on-call'")
    await connection.close()
    assert (await world.ask("/api/operators/v1/cells")).status_code == 401


async def test_a_token_says_when_it_was_used(world: World) -> None:
    await world.api("/cells")
    used = (await world.api("/operators"))["items"][0]["used_at"]
    assert used is not None and used <= now().isoformat()


async def test_what_is_no_name_is_refused(world: World) -> None:
    for name in ("anna@example.com", "Anna", "a", "x" * 31, "an na"):
        await world.api("/operators", {"name": name}, 422)
    with pytest.raises(NotFound):
        async with acting(world.plane.database, BOOTSTRAP) as act:
            await service.rotate(act, "nobody", 1, timedelta(0))


@pytest.mark.parametrize(
    "header", ["", "cco_on-call_x", "Bearer", "Bearer cco_on-call_", "Basic cco_on-call_" + "0" * 64]
)
def test_an_odd_header_is_no_word(header: str) -> None:
    with pytest.raises(WordInvalid) as refused:
        parse_word(Kind.OPERATOR, header)
    assert header == "" or header not in str(refused.value)


def test_a_word_is_of_one_kind() -> None:
    word = new_word(Kind.READER, "router-eu")
    assert word.secret not in repr(word)
    with pytest.raises(WordInvalid):
        parse_word(Kind.OPERATOR, f"Bearer {word.text}")
    with pytest.raises(ValueError, match="not a name"):
        new_word(Kind.READER, "Router EU")


async def _bootstrap(world: World, name: str) -> service.Issued:
    async with acting(world.plane.database, BOOTSTRAP) as act:
        return await service.bootstrap(act, name, 1)
