"""What the receiving side refuses, each with its own reason, over a real connection."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from sqlalchemy import MetaData, func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from kit.calls import Party, PostgresNonces, RedisNonces, envelope, nonce_table
from kit.calls import server as under_test
from kit.calls.operations import LARGEST_REQUEST
from kit.database import Database, now
from kit.localhost import connector
from kit.ports import free_port
from kit.signing import PublicKeys, SigningKey
from tests.kit.calls.echo import ONCE, READ, WRITE, Echo, Memory, Said
from tests.servers.postgres import Postgres

BODY = b'{"text":"hello"}'


@dataclass
class Answered:
    status: int
    slug: str
    body: Any
    signed: bool


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    async with made.running():
        yield made


def sealed(echo: Echo, operation: str = WRITE.name, body: bytes = BODY, **other: Any) -> envelope.Envelope:
    words = {"sender": "caller", "audience": "echo", "operation": operation, "body": body, "writes": True}
    return envelope.seal(other.pop("key", echo.caller_key), **{**words, **other})


async def send(
    echo: Echo,
    call: envelope.Envelope | None,
    body: bytes = BODY,
    *,
    operation: str = WRITE.name,
    header: str | None = None,
    method: str = "POST",
) -> Answered:
    headers = {} if call is None else {envelope.CALL_HEADER: call.header}
    if header is not None:
        headers[envelope.CALL_HEADER] = header
    url = f"http://echo.localhost:{echo.port}/internal/v1/{operation}"
    async with (
        aiohttp.ClientSession(connector=connector()) as http,
        http.request(method, url, data=body, headers=headers) as answer,
    ):
        raw = await answer.read()
        signature = answer.headers.get(envelope.ANSWER_HEADER, "")
    keys = PublicKeys([echo.key.public])
    signed = call is not None and envelope.is_answer(signature, keys, call, answer.status, raw)
    said = json.loads(raw)
    return Answered(answer.status, said.get("type", "").removeprefix("/problems/"), said, signed)


async def test_a_signed_call_is_answered_and_the_answer_is_signed(echo: Echo) -> None:
    answer = await send(echo, sealed(echo))
    assert (answer.status, answer.body, answer.signed) == (200, {"text": "caller: hello"}, True)


async def test_the_same_call_a_second_time_is_refused(echo: Echo) -> None:
    call = sealed(echo)
    assert (await send(echo, call)).status == 200
    again = await send(echo, call)
    assert (again.status, again.slug, again.signed) == (401, "call-replayed", True)
    assert echo.heard == ["hello"]


async def test_a_call_for_another_process_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo, audience="eu-1"))
    assert (answer.status, answer.slug) == (401, "audience-wrong")


async def test_a_call_signed_for_another_operation_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo, ONCE.name))
    assert (answer.status, answer.slug) == (401, "operation-differs")


async def test_a_changed_body_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo), BODY.replace(b"hello", b"hallo"))
    assert (answer.status, answer.slug) == (401, "body-changed")


@pytest.mark.parametrize("seconds", [29, -29])
async def test_a_clock_that_is_29_s_off_is_accepted(echo: Echo, seconds: int) -> None:
    assert (await send(echo, sealed(echo, at=time.time() + seconds))).status == 200


@pytest.mark.parametrize("seconds", [31, -31])
async def test_a_clock_that_is_31_s_off_is_refused(echo: Echo, seconds: int) -> None:
    answer = await send(echo, sealed(echo, at=time.time() + seconds))
    assert (answer.status, answer.slug) == (401, "clock-off")


async def test_an_unknown_sender_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo, sender="stranger"))
    assert (answer.status, answer.slug) == (401, "sender-unknown")


async def test_another_key_than_the_registered_one_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo, key=SigningKey.new()))
    assert (answer.status, answer.slug) == (401, "signature-wrong")


async def test_claims_that_were_changed_after_signing_are_refused(echo: Echo) -> None:
    call = sealed(echo)
    other = sealed(echo, at=time.time() - 1)
    mixed = f"{other.header.split('.')[0]}.{call.header.split('.')[1]}"
    answer = await send(echo, None, header=mixed)
    assert (answer.status, answer.slug) == (401, "signature-wrong")


async def test_an_unknown_operation_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo, operation="echo.shout"), operation="echo.shout")
    assert (answer.status, answer.slug) == (404, "operation-unknown")


async def test_another_method_than_post_is_refused(echo: Echo) -> None:
    assert (await send(echo, sealed(echo), method="PUT")).slug == "operation-unknown"


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_body_is_refused_whether_it_says_so_or_not(echo: Echo, chunked: bool) -> None:
    body = b"x" * (LARGEST_REQUEST + 1)

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    call = sealed(echo, body=body)
    answer = await send(echo, call, pieces() if chunked else body)  # type: ignore[arg-type]  # aiohttp takes both
    assert (answer.status, answer.slug) == (413, "call-too-large")


async def test_a_body_that_never_ends_is_not_waited_for(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "ARRIVES_S", 0.05)
    call = sealed(echo)

    async def pieces() -> AsyncIterator[bytes]:
        yield BODY[:5]
        await asyncio.sleep(1)

    answer = await send(echo, call, pieces())  # type: ignore[arg-type]  # aiohttp takes it
    assert (answer.status, answer.slug) == (422, "call-slow")


@pytest.mark.parametrize("header", ["", "x", "a.b", "e30.AAAA", "." * 20, "=.=", "x" * 3000])
async def test_what_is_no_signed_header_is_refused(echo: Echo, header: str) -> None:
    answer = await send(echo, None, header=header)
    assert (answer.status, answer.slug) == (401, "call-unsigned")


async def test_a_write_without_a_nonce_is_refused(echo: Echo) -> None:
    answer = await send(echo, sealed(echo, writes=False))
    assert (answer.status, answer.slug) == (401, "nonce-missing")


async def test_what_the_table_does_not_allow_is_refused_and_spends_no_nonce(echo: Echo) -> None:
    body = b'{"text":"forbidden"}'
    answer = await send(echo, sealed(echo, body=body), body)
    assert (answer.status, answer.slug) == (403, "sender-not-allowed")
    assert isinstance(echo.nonces, Memory) and not echo.nonces.taken


async def test_a_body_of_another_shape_names_the_field_and_not_the_value(echo: Echo) -> None:
    body = b'{"text":{"secret":"word"}}'
    answer = await send(echo, sealed(echo, body=body), body)
    assert (answer.status, answer.slug) == (422, "invalid")
    assert answer.body["facts"]["errors"][0]["field"] == "text" and "word" not in json.dumps(answer.body)


async def test_a_failure_says_nothing_of_itself(echo: Echo) -> None:
    echo.refusal = RuntimeError("the secret word")
    answer = await send(echo, sealed(echo))
    assert (answer.status, answer.slug) == (500, "failure") and "word" not in json.dumps(answer.body)


async def test_both_keys_of_a_sender_count_while_one_is_being_changed(echo: Echo) -> None:
    new = SigningKey.new()
    echo.book.parties["caller"] = Party("caller", "", PublicKeys([echo.caller_key.public, new.public]))
    assert (await send(echo, sealed(echo))).status == (await send(echo, sealed(echo, key=new))).status == 200


async def test_everything_else_is_left_to_the_application_behind(echo: Echo) -> None:
    url = f"http://echo.localhost:{echo.port}/page"
    async with aiohttp.ClientSession(connector=connector()) as http, http.get(url) as answer:
        assert (answer.status, await answer.text()) == (200, "behind")


def test_an_answer_is_good_for_its_call_its_status_and_its_body_alone() -> None:
    echo = Echo()
    call, other = sealed(echo), sealed(echo)
    signature = envelope.seal_answer(echo.key, call, 200, BODY)
    keys = PublicKeys([echo.key.public])
    assert envelope.is_answer(signature, keys, call, 200, BODY)
    assert not envelope.is_answer(signature, keys, other, 200, BODY)
    assert not envelope.is_answer(signature, keys, call, 201, BODY)
    assert not envelope.is_answer(signature, keys, call, 200, BODY + b" ")
    assert not envelope.is_answer(signature, PublicKeys([SigningKey.new().public]), call, 200, BODY)
    assert not envelope.is_answer("", keys, call, 200, BODY)


def test_the_claims_are_what_the_format_says() -> None:
    echo = Echo()
    call = envelope.parse(sealed(echo, at=1_700_000_000.5).header)
    said = json.loads(call.signed)
    assert said.pop("nonce") and said == {
        "from": "caller",
        "to": "echo",
        "op": "echo.write",
        "body": hashlib.sha256(BODY).hexdigest(),
        "at": 1_700_000_000_500,
        "key": echo.caller_key.id,
    }


def test_two_functions_cannot_answer_one_operation() -> None:
    echo = Echo()

    async def another(by: under_test.Caller, said: Said) -> Said:
        return said

    with pytest.raises(ValueError, match="two functions answer"):
        echo.answers.to(READ)(another)
    assert echo.answers.operations == {"echo.read", "echo.write", "echo.once"}


async def test_redis_remembers_a_nonce_for_a_minute(redis_url: str) -> None:
    redis: Redis = Redis.from_url(redis_url, decode_responses=True)
    nonces = RedisNonces(redis)
    assert await nonces.take("caller", "1") and not await nonces.take("caller", "1")
    assert await nonces.take("another", "1")
    assert 55 < await redis.ttl("call:caller:1") <= 60
    await redis.aclose()


async def test_with_redis_away_no_write_is_answered(echo: Echo) -> None:
    redis: Redis = Redis.from_url(f"redis://127.0.0.1:{free_port()}")
    echo.answers._nonces = RedisNonces(redis)
    answer = await send(echo, sealed(echo))
    assert (answer.status, answer.slug) == (503, "nonces-unavailable") and not echo.heard
    await redis.aclose()


async def test_postgres_remembers_a_nonce_and_sweeps_those_whose_time_is_over(postgres: Postgres) -> None:
    name = postgres.create_database("nonces")
    table = nonce_table(MetaData())
    engine = create_async_engine(postgres.superuser_dsn(name).replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(insert(table).values(sender="old", nonce="1", until=now()))
    await engine.dispose()
    database = Database(postgres.superuser_dsn(name), name="test")
    nonces = PostgresNonces(database, table)
    assert await nonces.take("caller", "1") and not await nonces.take("caller", "1")
    assert await nonces.take("another", "1")
    async with database.outside() as session:
        assert await session.scalar(select(func.count()).select_from(table)) == 2
    await database.close()
