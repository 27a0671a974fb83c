"""The caller's side: signs, sends, believes only the peer's own answer, and knows when to leave a peer alone."""

import asyncio
import random
import time
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Counter, Gauge, Histogram
from pydantic import ValidationError

from kit import logs, tracing
from kit.calls import envelope, problems, refusals
from kit.calls.breaker import Breaker, Budget
from kit.calls.operations import LARGEST_ANSWER, LARGEST_REQUEST, A, Operation, Q
from kit.calls.parties import Directory, Party
from kit.calls.pulse import Pulse
from kit.calls.wires import Broken, Wires
from kit.refusals import Kind, Refusal
from kit.signing import SigningKey

CONNECTIONS = 20  # to one peer at once; whoever comes then waits within the call's own time
ATTEMPTS = 3
PAUSE_S = 0.05  # before the second attempt, doubled for each further one, of which a random half is waited
LIVES = "/livez"
LATE_S = 0.2
_OK = 200
_SIGNATURE = envelope.ANSWER_HEADER.lower().encode()

CALLS = Counter("cellcast_calls_total", "Calls to other processes of ours", ["peer", "operation", "outcome"])
SECONDS = Histogram(
    "cellcast_call_seconds",
    "Time of an attempt until the answer was read",
    ["peer", "operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OPEN = Gauge("cellcast_call_breaker_open", "1 while calls to a peer are held back", ["peer"])

log = logs.get("calls")


class PeerUnavailable(Refusal):
    """The other process does not answer, or what answers there is not it."""

    kind = Kind.UNAVAILABLE
    title = "Another part of Cellcast does not answer at the moment"
    detail = "Nothing is lost. Try again in a moment."
    retry_after_s = 3


class _NoAnswer(Exception):
    """One attempt led to no answer of the peer's. The text says how, for the log."""


class Calls:
    """Calls in the name of one process. Connections are kept for each peer."""

    def __init__(self, name: str, key: SigningKey, directory: Directory) -> None:
        self.name = name
        self._key = key
        self._directory = directory
        self._peers: dict[str, Peer] = {}

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        """Call an operation of `peer`.

        Raises the refusal that the peer raised, or PeerUnavailable: a write may then have happened or not.
        """
        return await self._peer(peer).call(operation, request)

    def _peer(self, name: str) -> "Peer":
        party = self._directory.find(name)
        if party is None or not party.url:
            log.error("no such peer", peer=name)
            raise PeerUnavailable
        known = self._peers.get(name)
        if known is None:
            known = self._peers[name] = Peer(party, self.name, self._key)
        known.party = party  # its address or key may have changed; its connections and its breaker stay
        return known

    async def close(self) -> None:
        """Give the connections back."""
        for peer in self._peers.values():
            await peer.close()

    async def __aenter__(self) -> Self:
        """Open nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()


class Peer:
    """One process as its caller sees it."""

    def __init__(self, party: Party, caller: str, key: SigningKey) -> None:
        self.party = party
        self._caller = caller
        self._key = key
        self._breaker = Breaker()
        self._budget = Budget()
        self._pulse = Pulse(self._is_there)
        self._wires: Wires | None = None
        self._asking: Wires | None = None  # beside the connections on which calls may be waiting

    async def call(self, operation: Operation[Q, A], request: Q) -> A:
        """Call, and call again where that can do no harm and is allowed. Raises a Refusal, PeerUnavailable."""
        body = request.model_dump_json().encode()
        if len(body) > LARGEST_REQUEST:
            raise refusals.CallTooLarge  # not sent: whoever hangs up in the middle of it looks like a peer in trouble
        self._budget.earn()
        self._pulse.begin()
        attempts = ATTEMPTS if operation.idempotent else 1
        for number in range(1, attempts + 1):
            if self._pulse.silent or not self._breaker.admits():
                self._count(operation, "held back")
                raise PeerUnavailable
            try:
                return await self._attempt(operation, body)
            except _NoAnswer as failure:
                log.warning("no answer", peer=self.party.name, operation=operation.name, reason=str(failure))
            if number == attempts or not self._budget.spend():
                break
            await asyncio.sleep(PAUSE_S * 2 ** (number - 1) * random.uniform(0.5, 1))  # noqa: S311 - to spread, not to hide
        raise PeerUnavailable

    async def close(self) -> None:
        """Give the connections back."""
        await self._pulse.close()
        for one in (self._wires, self._asking):
            if one is not None:
                one.close()

    async def _attempt(self, operation: Operation[Q, A], body: bytes) -> A:
        """Send once. Raises the peer's refusal, or _NoAnswer; the breaker hears of the end in every case."""
        began = time.perf_counter()
        outcome = "left"
        try:
            status, answered = await self._send(operation, body)
            answer = _meaning(operation, status, answered)
            outcome = "refused" if isinstance(answer, Refusal) else "ok"
        except _NoAnswer:
            outcome = "failed"
            raise
        finally:
            if outcome == "left" or self._pulse.silent:  # whoever is silent is watched until they are not
                self._breaker.left()
            elif outcome == "failed":
                self._breaker.failed()
            else:
                self._breaker.succeeded()
            self._count(operation, outcome)
            SECONDS.labels(self.party.name, operation.name).observe(time.perf_counter() - began)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def _send(self, operation: Operation[Q, A], body: bytes) -> tuple[int, bytes]:
        sealed = envelope.seal(
            self._key,
            sender=self._caller,
            audience=self.party.name,
            operation=operation.name,
            body=body,
            writes=operation.nonced,
        )
        headers = {envelope.CALL_HEADER: sealed.header, "Content-Type": "application/json"}
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        if isinstance(request_id, str):
            headers["X-Request-Id"] = request_id
        if parent := tracing.current():
            headers[tracing.HEADER] = parent
        try:
            async with self._pulse.waiting(operation.within_s):
                answered = await self._connections().send("POST", operation.path, headers, body)
        except (Broken, TimeoutError, OSError) as error:
            raise _NoAnswer(str(error) if isinstance(error, Broken) else type(error).__name__) from None
        self._pulse.answered()
        signature = answered.headers.get(_SIGNATURE, b"").decode("latin-1")
        if not envelope.is_answer(signature, self.party.keys, sealed, answered.status, answered.body):
            raise _NoAnswer(f"status {answered.status}, not signed by {self.party.name}")
        return answered.status, answered.body

    async def _is_there(self, within_s: float) -> bool:
        """Whether anything comes back at all; where a connection is refused calls fail at once by themselves."""
        self._asking = self._to_party(self._asking, 1)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(within_s):
                await self._asking.send("GET", LIVES, {})
                return True
        except TimeoutError:
            return time.perf_counter() - began > within_s + LATE_S  # we were held up ourselves: that says nothing
        except (Broken, OSError):
            return True

    def _connections(self) -> Wires:
        self._wires = self._to_party(self._wires, CONNECTIONS)
        return self._wires

    def _to_party(self, wires: Wires | None, most: int) -> Wires:
        """Connections to where the peer is now."""
        if wires is not None and wires.url == self.party.url:
            return wires
        if wires is not None:
            wires.retire()
        return Wires(self.party.url, most, LARGEST_ANSWER)

    def _count(self, operation: Operation[Q, A], outcome: str) -> None:
        CALLS.labels(self.party.name, operation.name, outcome).inc()
        OPEN.labels(self.party.name).set(self._breaker.open or self._pulse.silent)


def _meaning(operation: Operation[Q, A], status: int, body: bytes) -> A | Refusal:
    if status != _OK:
        refusal = problems.decode(body, operation.refusals)
        if refusal is None or refusal.slug == "failure":
            raise _NoAnswer(f"status {status}")
        return refusal
    try:
        return operation.answer.model_validate_json(body)
    except ValidationError:
        raise _NoAnswer(f"an answer that is no {operation.answer.__name__}") from None
