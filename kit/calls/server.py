"""The other side: a plain ASGI piece in front of a web process that answers signed calls, and nothing unsigned."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
)
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, ValidationError

from kit import logs, tracing
from kit.calls import envelope, problems, refusals
from kit.calls.nonces import Nonces
from kit.calls.operations import LARGEST_ANSWER, LARGEST_REQUEST, PATH, A, Operation, Q
from kit.calls.parties import Directory
from kit.refusals import Kind, Refusal
from kit.signing import SigningKey
from kit.web.app import OUTSIDE_ID
from kit.web.problems import STATUS, Failure, invalid

ARRIVES_S = 10  # a body that takes longer is not waited for

ANSWERED = Counter("cellcast_calls_answered_total", "Calls answered", ["sender", "operation", "outcome"])
SECONDS = Histogram(
    "cellcast_call_answer_seconds",
    "Time until a call was answered",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

log = logs.get("calls")


@dataclass(frozen=True)
class Caller:
    """Who called, proved."""

    name: str


# Bytes are the answer as JSON already, where a hot path has it from somewhere that makes it.
Handler = Callable[[Caller, Q], Awaitable[A | bytes]]
# Whether this sender may call this operation with this request; raises SenderNotAllowed.
May = Callable[[str, str, BaseModel], Awaitable[None]]


@dataclass(frozen=True)
class _Answering:
    operation: Operation[Any, Any]  # the table holds operations of all types
    handler: Handler[Any, Any]


class Answers:
    """The operations that a process answers. `name` is its own, which calls have to be addressed to."""

    def __init__(self, name: str, key: SigningKey, directory: Directory, nonces: Nonces, may: May) -> None:
        self.name = name
        self._key = key
        self._directory = directory
        self._nonces = nonces
        self._may = may
        self._table: dict[str, _Answering] = {}

    def to(self, operation: Operation[Q, A]) -> Callable[[Handler[Q, A]], Handler[Q, A]]:
        """Make a function the answer to calls of `operation`."""

        def register(handler: Handler[Q, A]) -> Handler[Q, A]:
            if operation.name in self._table:
                raise ValueError(f"two functions answer {operation.name}")
            self._table[operation.name] = _Answering(operation, handler)
            return handler

        return register

    @property
    def operations(self) -> frozenset[str]:
        """The names of what is answered, for guards."""
        return frozenset(self._table)

    def in_front_of(self, app: ASGIFramework) -> ASGIFramework:
        """An application that answers calls itself and leaves everything else to `app`."""

        async def asgi(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            if scope["type"] == "http" and scope["path"].startswith(PATH):
                name = scope["path"].removeprefix(PATH)
                known = name if name in self._table else "unknown"
                _begin(scope)
                with tracing.span(f"call {known}", _header(scope, b"traceparent")):
                    await self._answer(name, known, scope, receive, send)
            else:
                await app(scope, receive, send)

        return asgi

    async def _answer(
        self, name: str, known: str, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        began = time.perf_counter()
        call, sender = None, "unknown"  # until it is proved: a label of metrics is nobody's to choose
        try:
            call = _envelope(scope)
            sender = self._verified(call, name)
            status, body, outcome = 200, await self._called(call, name, scope, receive), "ok"
        except Refusal as refusal:
            if refusal.kind in {Kind.UNAUTHENTICATED, Kind.FORBIDDEN}:
                log.warning("call refused", operation=name[:64], reason=refusal.slug)
            status, body, outcome = _said(refusal)
        except Exception as error:
            log.error("unexpected", exc_info=error)
            status, body, outcome = _said(Failure())
        ANSWERED.labels(sender, known, outcome).inc()
        SECONDS.labels(known).observe(time.perf_counter() - began)
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        headers.append((b"content-length", str(len(body)).encode()))
        if call is not None:  # refusals too: the sender must see that it is the receiver who refuses
            signature = envelope.seal_answer(self._key, call, status, body)
            headers.append((envelope.ANSWER_HEADER.lower().encode(), signature.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _verified(self, call: envelope.Envelope, name: str) -> str:
        """The sender, proved. What it sends has not been looked at yet."""
        party = self._directory.find(call.claims.sender)
        if party is None:
            raise refusals.SenderUnknown
        envelope.verify(call, party.keys, audience=self.name, operation=name)
        logs.bind(sender=party.name)
        return party.name

    async def _called(
        self, call: envelope.Envelope, name: str, scope: HTTPScope, receive: ASGIReceiveCallable
    ) -> bytes:
        answering = self._table.get(name)
        if answering is None or scope["method"] != "POST":
            raise refusals.OperationUnknown
        body = await _read(scope, receive)
        envelope.verify_body(call.claims, body)
        try:
            request = answering.operation.request.model_validate_json(body)
        except ValidationError as error:
            raise invalid(error) from None
        await self._may(call.claims.sender, name, request)
        if answering.operation.nonced:
            await self._take_nonce(call.claims)
        answer: BaseModel | bytes = await answering.handler(Caller(call.claims.sender), request)
        encoded = answer if isinstance(answer, bytes) else answer.model_dump_json().encode()
        if len(encoded) > LARGEST_ANSWER:
            raise refusals.AnswerTooLarge
        return encoded

    async def _take_nonce(self, claims: envelope.Claims) -> None:
        if claims.nonce is None:
            raise refusals.NonceMissing
        if not await self._nonces.take(claims.sender, claims.nonce):
            raise refusals.CallReplayed


def _begin(scope: HTTPScope) -> None:
    """The log lines of this call carry the caller's request id."""
    given = _header(scope, b"x-request-id")
    logs.clear()
    logs.bind(request_id=given if OUTSIDE_ID.match(given) else token_hex(8))


def _envelope(scope: HTTPScope) -> envelope.Envelope:
    return envelope.parse(_header(scope, envelope.CALL_HEADER.lower().encode()))


def _header(scope: HTTPScope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key.lower() == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _said(refusal: Refusal) -> tuple[int, bytes, str]:
    status = 500 if isinstance(refusal, Failure) else STATUS[refusal.kind]
    return status, problems.encode(refusal, status), refusal.slug


async def _read(scope: HTTPScope, receive: ASGIReceiveCallable) -> bytes:
    """The body. Raises CallTooLarge as soon as that is plain, CallSlow."""
    said = _header(scope, b"content-length")
    if said.isdecimal() and int(said) > LARGEST_REQUEST:
        raise refusals.CallTooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(ARRIVES_S):
            while True:
                event = await receive()
                if event["type"] != "http.request":
                    raise refusals.CallSlow  # whoever called is gone
                body += event["body"]
                if len(body) > LARGEST_REQUEST:
                    raise refusals.CallTooLarge
                if not event["more_body"]:
                    return bytes(body)
    except TimeoutError:
        raise refusals.CallSlow from None
