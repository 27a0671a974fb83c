"""SCIM as plain ASGI in front of the web application: who asks, how much, and the form of every answer.

Nothing is looked at before the token has been, neither what is asked for nor how the workspace is: an address that is
not there is not told from one that is. A token that no cell has accepted lately is proved by it first.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from prometheus_client import Counter, Histogram
from pydantic_core import to_json

from contracts.directory import CredentialRefused
from contracts.placements import Placement, State
from contracts.tokens import Bearer, Kind, TokenInvalid, parse_bearer
from control_plane.scim import bodies, errors, grammar
from control_plane.scim.asking import known, of_address
from control_plane.scim.cells import LONGEST_ASKED, Cell, Workspaces
from control_plane.scim.endpoints import Answer, Request, answer
from control_plane.scim.errors import ScimError
from control_plane.scim.limits import Lanes
from control_plane.scim.values import is_writable
from kit import logs
from kit.addresses import Addresses
from kit.calls import Calling
from kit.refusals import Refusal
from kit.web.app import OUTSIDE_ID

PREFIX = "/scim/"
ENDS_S = 12.0  # who waits in line or for a cell is sent away then; of a cell that hangs, until its breaker opens
MOST_NOTES = 64  # on their way to the cells at once; more are dropped
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

REQUESTS = Counter("cellcast_scim_requests_total", "SCIM requests by method and kind", ["operation", "status"])
SECONDS = Histogram(
    "cellcast_scim_request_seconds",
    "Time of a SCIM request until its answer",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

log = logs.get("scim")


class Scim:
    """SCIM for the workspaces of a region. `url` is provisioning's public address."""

    def __init__(self, url: str, workspaces: Workspaces, calls: Calling, addresses: Addresses, per_s: float) -> None:
        self._url = url.rstrip("/")
        self._workspaces = workspaces
        self._calls = calls
        self._addresses = addresses
        self._lanes = Lanes(per_s)
        self._memory = bodies.Memory()
        self._proofs: dict[tuple[UUID, str], asyncio.Task[None]] = {}
        self._notes: set[asyncio.Task[None]] = set()
        grammar.warm()

    def in_front_of(self, app: ASGIFramework) -> ASGIFramework:
        """An application that answers SCIM itself and leaves everything else to `app`."""

        async def asgi(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            if scope["type"] == "http" and scope["path"].startswith(PREFIX):
                await self._respond(scope, receive, send)
            else:
                await app(scope, receive, send)

        return asgi

    async def close(self) -> None:
        """Leave off what is on its way to cells and nobody waits for."""
        under_way = [*self._notes, *self._proofs.values()]
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _respond(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        began = time.perf_counter()
        method, path = scope["method"], _path(scope)
        trace = _trace(scope)
        try:
            made = await self._answered(scope, receive, path, trace)
        except ScimError as error:
            made = _refusal(error)
        except Exception as error:
            log.error("unexpected", exc_info=error)
            made = _refusal(ScimError(500, f"Something went wrong on our side. Reference: {trace}"))
        await _send(send, made, trace, method)
        operation = _operation(method, path)
        REQUESTS.labels(operation, str(made.status)).inc()
        SECONDS.labels(operation).observe(time.perf_counter() - began)
        if made.status >= 400 and made.status != 404:
            log.info("refused", operation=operation, status=made.status)

    async def _answered(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, path: tuple[str, ...], trace: str
    ) -> Answer:
        bearer, placement = self._who(scope, path)
        logs.bind(workspace=bearer.key)
        credential = bearer.digest.hex()
        asked = _asked(scope, path)
        cell = Cell(self._calls, placement.cell, placement.workspace_id, credential, trace, asked)
        await self._prove(cell, self._addresses.of(scope))
        if placement.state is not State.ACTIVE:
            raise _AWAY[placement.state]()
        try:
            made = await self._in_turn(scope, receive, path[1:], bearer.key, cell)
        except ScimError as error:
            if error.status == 401:
                self._lanes.refused(placement.workspace_id, credential)
            elif not error.noted or (error.status == 429 and self._lanes.lane(cell.workspace_id).tells()):
                self._note(cell, error)
            raise
        self._lanes.accepted(placement.workspace_id, credential)
        return made

    async def _prove(self, cell: Cell, address: str) -> None:
        """Have the cell look at a credential that it has not accepted lately. Raises ScimError.

        Requests that come with it meanwhile wait for the same answer: of an identity provider, hundreds may.
        """
        if self._lanes.knows(cell.workspace_id, cell.credential):
            return
        key = (cell.workspace_id, cell.credential)
        proof = self._proofs.get(key)
        if proof is None:
            proof = self._proofs[key] = asyncio.create_task(self._proved(cell, address))
            proof.add_done_callback(lambda _: self._proofs.pop(key))
        await asyncio.shield(proof)

    async def _proved(self, cell: Cell, address: str) -> None:
        lane = self._lanes.strangers(cell.workspace_id, address)
        lane.take()
        async with _asking(), lane.passing():
            await cell.prove()
        self._lanes.accepted(cell.workspace_id, cell.credential)

    async def _in_turn(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, path: tuple[str, ...], key: str, cell: Cell
    ) -> Answer:
        """The answer, when it is the request's turn. Raises ScimError."""
        lane, headers = self._lanes.lane(cell.workspace_id), _headers(scope)
        lane.take()
        with self._memory.share(cell.workspace_id) as share:
            body = await bodies.read(headers, receive, share) if scope["method"] in _WITH_BODY else bodies.NONE
            async with _asking(), lane.passing():
                request = Request(
                    method=scope["method"],
                    path=path,
                    base=f"{self._url}{PREFIX}v2/{key}",
                    query=of_address(scope["query_string"]),
                    cell=cell,
                    body=body,
                    if_match=headers.get(b"if-match", ""),
                    if_none_match=headers.get(b"if-none-match", ""),
                )
                return await answer(request)

    def _who(self, scope: HTTPScope, path: tuple[str, ...]) -> tuple[Bearer, Placement]:
        """Whose token it is, and where that workspace is. What the token may do, its cell says. Raises ScimError."""
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        scheme, _, word = (given[0].decode("latin-1") if len(given) == 1 else "").partition(" ")
        try:
            bearer = parse_bearer(Kind.DIRECTORY, word.strip()) if scheme.lower() == "bearer" else None
        except TokenInvalid:
            bearer = None
        if bearer is None or not path or path[0] != bearer.key:
            raise _unauthenticated()
        placement = self._workspaces.get(bearer.key)
        if placement is None or placement.state in {State.DELETING, State.DELETED}:
            raise _unauthenticated()
        return bearer, placement

    def _note(self, cell: Cell, error: ScimError) -> None:
        """Have the workspace's admins find what was refused here, in their provisioning log."""
        if len(self._notes) < MOST_NOTES:
            task = asyncio.create_task(self._noted(cell, error))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)

    async def _noted(self, cell: Cell, error: ScimError) -> None:
        try:
            await cell.note(error.scim_type or f"status-{error.status}", error.detail)
        except CredentialRefused:
            self._lanes.refused(cell.workspace_id, cell.credential)
        except Refusal as refusal:
            log.info("not noted", reason=refusal.slug)


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    """The cell is asked within a time, waiting in line included. Raises ScimError for what it refuses."""
    try:
        async with asyncio.timeout(ENDS_S):
            yield
    except CredentialRefused:
        raise _unauthenticated() from None
    except Refusal as refusal:
        raise errors.of(refusal) from None
    except TimeoutError:
        raise errors.busy(503, "The workspace does not answer at the moment. Try again.", 5) from None


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_ENDPOINTS = frozenset(
    {"Users", "Groups", ".search", "ServiceProviderConfig", "ResourceTypes", "Schemas", "Me", "Bulk"}
)
_AWAY = {
    State.PROVISIONING: lambda: ScimError(503, "The workspace is being made. Try again.", retry_after_s=5),
    State.FROZEN: lambda: ScimError(503, "The workspace is being moved. Try again.", retry_after_s=5),
    State.SUSPENDED: lambda: ScimError(403, "The workspace is suspended."),
}


def _operation(method: str, path: tuple[str, ...]) -> str:
    """A request in two words of ours, for metrics and logs: nothing that was sent."""
    endpoint = path[1] if len(path) > 1 and path[1] in _ENDPOINTS else "other"
    return f"{method if method in _METHODS else 'other'} {endpoint}"


def _path(scope: HTTPScope) -> tuple[str, ...]:
    """What stands below /scim/v2/, decoded piece by piece: an encoded slash is no slash. Empty for other addresses."""
    raw = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    pieces = [piece for piece in raw.split("/") if piece]
    return tuple(unquote(piece) for piece in pieces[2:]) if pieces[:2] == ["scim", "v2"] else ()


def _trace(scope: HTTPScope) -> str:
    given = next((value for name, value in scope["headers"] if name.lower() == b"x-request-id"), b"").decode("latin-1")
    trace = given if OUTSIDE_ID.match(given) else token_hex(8)
    logs.clear()
    logs.bind(request_id=trace)
    return trace


def _asked(scope: HTTPScope, path: Iterable[str]) -> str:
    """Method and address as the provisioning log shows them: in the workspace's cell, and nowhere else.

    Only what has one of SCIM's names is shown of the query: nobody knows what else a client puts there.
    """
    said = [f"{name}={_discreet(value)}" for name, value in known(scope["query_string"])]
    where = "/".join(_discreet(piece) for piece in list(path)[1:])
    text = f"{scope['method']} /{where}{'?' if said else ''}{'&'.join(said)}"[:LONGEST_ASKED]
    return text if is_writable(text) else text.encode("ascii", "replace").decode().replace("\0", "?")


def _discreet(text: str) -> str:
    """The text, unless it may hold a password: that is told by the attribute's name, however the rest is written."""
    return "***" if "password" in text.lower() else text


def _headers(scope: HTTPScope) -> dict[bytes, str]:
    return {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _unauthenticated() -> ScimError:
    return ScimError(401, f"{CredentialRefused.title}. {CredentialRefused.detail}")


def _refusal(error: ScimError) -> Answer:
    headers = []
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="cellcast"'))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if error.allowed:
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    return Answer(error.status, error.document, headers)


async def _send(send: ASGISendCallable, made: Answer, trace: str, method: str) -> None:
    body = b"" if made.document is None else _encoded(made.document)
    headers = [
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", trace.encode()),
        *made.headers,
    ]
    if made.document is not None:
        headers.append((b"content-type", b"application/scim+json"))
    if made.status not in {204, 304}:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": made.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body, "more_body": False})


def _encoded(document: Any) -> bytes:  # JSON
    return to_json(document)
