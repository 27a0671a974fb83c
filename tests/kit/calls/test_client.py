"""The caller's side: typed answers, refusals that mean the same here, repetitions, and the breaker."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from kit.calls import Operation, PeerUnavailable, breaker, server
from kit.calls import client as under_test
from kit.calls.breaker import Breaker, Budget
from kit.calls.refusals import AnswerTooLarge, CallTooLarge
from kit.refusals import Invalid, Kind, NotFound, Refusal
from kit.signing import SigningKey
from tests.kit.calls.echo import ONCE, READ, WRITE, Echo, Said, Tired

HELLO = Said(text="hello")


class Unheard(Refusal):
    """A refusal that the caller has no class for."""

    kind = Kind.GONE
    title = "Unheard of"
    detail = "Nobody expected this."


def counted(operation: str, outcome: str) -> float:
    labels = {"peer": "echo", "operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value("cellcast_calls_total", labels) or 0


async def test_the_answer_is_typed_and_counted() -> None:
    echo, before = Echo(), counted(READ.name, "ok")
    async with echo.running(), echo.calls() as calls:
        assert await calls.call("echo", READ, HELLO) == Said(text="caller: hello")
    assert counted(READ.name, "ok") == before + 1


async def test_a_refusal_comes_back_as_the_same_meaning() -> None:
    echo = Echo(refusal=Tired("Sleep first.", retry_after_s=7, since=3))
    async with echo.running(), echo.calls() as calls:
        with pytest.raises(Tired) as refused:
            await calls.call("echo", READ, HELLO)
    assert (refused.value.detail, refused.value.retry_after_s, refused.value.facts) == ("Sleep first.", 7, {"since": 3})
    assert echo.heard == ["hello"]  # an answer, if not the one hoped for: nothing is repeated


async def test_a_refusal_without_a_class_here_keeps_slug_kind_and_words() -> None:
    echo = Echo(refusal=Unheard())
    async with echo.running(), echo.calls() as calls:
        with pytest.raises(Refusal) as refused:
            await calls.call("echo", READ, HELLO)
    got = refused.value
    assert (got.slug, got.kind, got.title, got.detail) == ("unheard", Kind.GONE, "Unheard of", "Nobody expected this.")


async def test_what_is_too_large_is_a_refusal_and_no_trouble_of_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LARGEST_ANSWER", 100)
    monkeypatch.setattr(under_test, "LARGEST_REQUEST", 1000)
    echo = Echo()
    async with echo.running(), echo.calls() as calls:
        for _ in range(breaker.FAILURES):
            with pytest.raises(AnswerTooLarge):
                await calls.call("echo", READ, Said(text="x" * 100))
        assert len(echo.heard) == breaker.FAILURES  # nothing was repeated
        for _ in range(breaker.FAILURES):
            with pytest.raises(CallTooLarge):
                await calls.call("echo", READ, Said(text="x" * 1000))
        assert len(echo.heard) == breaker.FAILURES
        assert (await calls.call("echo", READ, HELLO)).text == "caller: hello"


async def test_not_found_and_invalid_are_known_everywhere() -> None:
    echo = Echo()
    async with echo.running(), echo.calls() as calls:
        for refusal in (NotFound(), Invalid(errors=[])):
            echo.refusal = refusal
            with pytest.raises(type(refusal)):
                await calls.call("echo", WRITE, HELLO)


async def test_a_peer_that_nobody_registered_is_unavailable() -> None:
    async with Echo().calls() as calls:
        with pytest.raises(PeerUnavailable):
            await calls.call("nobody", READ, HELLO)


async def test_an_idempotent_write_is_repeated_with_a_new_nonce_and_another_is_not() -> None:
    echo = Echo(refusal=RuntimeError("broken"))
    async with echo.running(), echo.calls() as calls:
        with pytest.raises(PeerUnavailable):
            await calls.call("echo", WRITE, HELLO)
        assert echo.heard == ["hello"] * under_test.ATTEMPTS
        echo.heard.clear()
        with pytest.raises(PeerUnavailable):
            await calls.call("echo", ONCE, HELLO)
        assert echo.heard == ["hello"]


async def test_a_repetition_that_is_answered_is_the_answer() -> None:
    echo = Echo(failures=2)
    async with echo.running(), echo.calls() as calls:
        assert (await calls.call("echo", WRITE, HELLO)).text == "caller: hello"
    assert echo.heard == ["hello"] * 3


async def test_a_peer_that_is_slow_is_not_waited_for() -> None:
    echo = Echo(hold_s=3)
    async with echo.running(), echo.calls() as calls:
        began = time.monotonic()
        with pytest.raises(PeerUnavailable):
            await calls.call("echo", ONCE, HELLO)
        assert time.monotonic() - began < 2


async def test_an_answer_that_the_peer_did_not_sign_is_none() -> None:
    echo = Echo()
    async with echo.running(), echo.calls() as calls:
        echo.book.put("echo", SigningKey.new(), f"http://echo.localhost:{echo.port}")
        with pytest.raises(PeerUnavailable):
            await calls.call("echo", ONCE, HELLO)
    assert echo.heard == ["hello"]


async def test_connections_are_kept() -> None:
    echo = Echo()
    async with echo.running(), echo.calls() as calls:
        for _ in range(5):
            await calls.call("echo", READ, HELLO)
        wires = calls._peers["echo"]._wires
        assert wires is not None and wires.idle == 1


async def test_the_breaker_holds_calls_back_and_lets_one_through_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 0.0
    monkeypatch.setattr(under_test, "Breaker", lambda: Breaker(lambda: moment))
    echo = Echo(refusal=RuntimeError("broken"))
    async with echo.running(), echo.calls() as calls:
        for _ in range(breaker.FAILURES):
            with pytest.raises(PeerUnavailable):
                await calls.call("echo", ONCE, HELLO)
        heard = len(echo.heard)
        with pytest.raises(PeerUnavailable):
            await calls.call("echo", ONCE, HELLO)
        assert len(echo.heard) == heard  # held back: the peer heard nothing
        assert REGISTRY.get_sample_value("cellcast_call_breaker_open", {"peer": "echo"}) == 1
        echo.refusal = None
        moment += breaker.OPEN_S
        assert (await calls.call("echo", ONCE, HELLO)).text == "caller: hello"
        assert REGISTRY.get_sample_value("cellcast_call_breaker_open", {"peer": "echo"}) == 0


def test_a_half_open_breaker_lets_one_through_at_a_time() -> None:
    moment = 0.0
    one = Breaker(lambda: moment)
    for _ in range(breaker.FAILURES):
        assert one.admits()
        one.failed()
    assert not one.admits()
    moment = breaker.OPEN_S
    assert one.admits() and not one.admits()
    one.failed()
    assert not one.admits()
    moment *= 2
    assert one.admits()
    one.left()  # cancelled: it showed nothing, so the next one may try
    assert one.admits()
    one.succeeded()
    assert one.admits() and one.admits() and not one.open


def test_refusals_never_open_the_breaker_and_a_success_forgets_failures() -> None:
    one = Breaker()
    for _ in range(3):
        for _ in range(breaker.FAILURES - 1):
            one.failed()
        one.succeeded()
    assert not one.open


def test_the_budget_is_earned_by_calls() -> None:
    budget = Budget()
    assert sum(budget.spend() for _ in range(100)) == breaker.BUDGET
    for _ in range(11):
        budget.earn()
    assert budget.spend() and not budget.spend()


async def test_a_cancelled_call_is_no_failure_of_the_peer() -> None:
    echo = Echo(hold_s=0.8)
    async with echo.running(), echo.calls() as calls:
        for _ in range(breaker.FAILURES + 1):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(calls.call("echo", ONCE, HELLO), 0.05)
        assert not calls._peers["echo"]._breaker.open


@pytest.mark.parametrize(("name", "writes", "idempotent"), [("Shout", True, True), ("a.b", False, False)])
def test_what_is_no_operation_is_refused_where_it_is_made(name: str, writes: bool, idempotent: bool) -> None:
    with pytest.raises(ValueError, match=name):
        Operation(name, Said, Said, writes=writes, idempotent=idempotent)
