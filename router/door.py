"""The hot path: one look-up in the map and a redirect, as plain ASGI. Reads no body, writes no log line."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Scope,
)

from contracts.placements import State
from kit import tracing
from kit.addresses import Addresses, Hosts
from kit.guesses import Guesses
from router import paths, start
from router.counts import COLUMN, TIMES
from router.map import Map, NoAnswer
from router.pages import FORMS, SECURITY_HEADERS, Answer, Outcome, Pages
from router.records import Place
from router.start import Start

_HOME, _LIVE, _READY = b"/", b"/livez", b"/readyz"
# Whoever asks for these is no visitor: probes use any name or none.
_PROBES = frozenset({_LIVE, _READY})

# An enum's attributes are looked up slowly in Python 3.11; these are looked at once a request.
_ACTIVE, _LED_ON = State.ACTIVE, COLUMN[Outcome.LED]
_METHODS = frozenset({"GET", "HEAD"})

_OF_STATE = {
    State.PROVISIONING: Outcome.UNKNOWN,  # nothing half made is visible
    State.FROZEN: Outcome.FROZEN,
    State.SUSPENDED: Outcome.SUSPENDED,
    State.DELETING: Outcome.GONE,
    State.DELETED: Outcome.GONE,
}
_OF_WRONG = {paths.Wrong.MALFORMED: Outcome.MALFORMED, paths.Wrong.MISTYPED: Outcome.MISTYPED}

# The rest of a redirect's headers; where it leads may change at any moment and is nobody else's business.
_LED = [(b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"), (b"content-length", b"0")]
_JSON = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_NO_BODY: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}


class Guards(NamedTuple):
    """What keeps strangers and guessers out."""

    hosts: Hosts
    addresses: Addresses
    guesses: Guesses


class Door:
    """The ASGI application: links, pages, health, and `files` by their path."""

    def __init__(
        self, map: Map, pages: Pages, files: Mapping[bytes, Answer], guards: Guards, counts: memoryview
    ) -> None:
        self._map = map
        self._pages = pages
        self._files = files
        self._hosts, self._addresses, self._guesses = guards
        self._start = Start(map, self._find, guards.guesses)
        self._counts = counts

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            began = time.perf_counter_ns()
            answer = self._answer(scope)
            TIMES.took(self._counts, time.perf_counter_ns() - began)
            start: HTTPResponseStartEvent = {
                "type": "http.response.start",
                "status": answer.status,
                "headers": answer.headers,
            }
            await send(start)
            if answer.body and scope["method"] != "HEAD":
                await send({"type": "http.response.body", "body": answer.body, "more_body": False})
            else:
                await send(_NO_BODY)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": None})

    def _answer(self, scope: HTTPScope) -> Answer:
        path = scope["raw_path"]
        stranger = self._stranger(scope)
        if stranger is not None:
            return self._refuse(stranger, scope)
        asked = paths.read(path, scope["query_string"])
        if isinstance(asked, paths.Wrong):
            return self._own(path, scope) or self._refuse(_OF_WRONG[asked], scope)
        found = self._find(asked.key, self._addresses.of(scope))
        if not isinstance(found, Place):
            return self._refuse(found, scope, machine=isinstance(asked, paths.Describe))
        if isinstance(asked, paths.Describe):
            return self._describe(asked.key, found)
        return self._led(found.url + asked.to)

    def _led(self, location: bytes) -> Answer:
        self._counts[_LED_ON] += 1
        if tracing.is_on() and b"/r/" in location:
            location = tracing.led(location)
        return Answer(302, [(b"location", location), *_LED], b"")

    def _own(self, path: bytes, scope: HTTPScope) -> Answer | None:
        """What is no way to a workspace: the home page, the start of a sign-in, health, the stylesheet."""
        if path == _HOME:
            return self._pages.home(scope["headers"])
        if path == start.PATH:
            led = self._start.lead(scope["query_string"], self._addresses.of(scope))
            return self._refuse(led, scope) if isinstance(led, Outcome) else self._led(led)
        if path == _READY:
            return self._health()
        return _json(200, {"alive": True}) if path == _LIVE else self._files.get(path)

    def _stranger(self, scope: HTTPScope) -> Outcome | None:
        """Why a request is not looked at: it asks for something else than a page of ours."""
        if scope["method"] not in _METHODS:
            return Outcome.METHOD
        if scope["raw_path"] in _PROBES:
            return None
        for name, value in scope["headers"]:
            if name == b"host":
                return None if self._hosts.has(value) else Outcome.MISDIRECTED
        return Outcome.MISDIRECTED

    def _find(self, key: bytes, address: str) -> Place | Outcome:
        """Where the workspace may be used now, or why it may not."""
        if self._guesses.refuses(address, key):
            return Outcome.LIMITED
        try:
            place = self._map.find(key)
        except NoAnswer:
            return Outcome.STARTING
        if place is None:
            if self._map.held is None:
                return Outcome.STARTING
            self._guesses.missed(address)
            return Outcome.UNKNOWN
        self._guesses.led(address, key)
        return place if place.state is _ACTIVE else _OF_STATE[place.state]

    def _describe(self, key: bytes, place: Place) -> Answer:
        self._counts[COLUMN[Outcome.DESCRIBED]] += 1
        facts = {"key": key.decode(), "region": place.region, "api_base": f"{place.url.decode()}/api/v1"}
        return _json(200, facts)

    def trusts(self, peer: str) -> bool:
        """True for a proxy of ours: it speaks for many, and holds as many connections as it likes."""
        return self._addresses.trusts(peer)

    def _health(self) -> Answer:
        """Ready with any map, however old: its age is a detail."""
        try:
            held = self._map.held
        except NoAnswer:
            held = None
        if held is None:
            return _json(503, {"ready": False, "down": {"map": "NoMap"}})
        age_s = round((datetime.now(UTC) - held.made_at).total_seconds(), 1)
        feed = {"generation": held.generation, "n": held.n, "age_s": age_s}
        return _json(200, {"ready": True, "down": {}, "feed": feed})

    def _refuse(self, outcome: Outcome, scope: HTTPScope, *, machine: bool = False) -> Answer:
        self._counts[COLUMN[outcome]] += 1
        if outcome in FORMS:
            return self._pages.form(outcome, scope["headers"], self._map.cells())
        return self._pages.refusal(outcome, scope["headers"], machine=machine)


def _json(status: int, said: object) -> Answer:
    body = json.dumps(said).encode()
    size = str(len(body)).encode()
    return Answer(status, [(b"content-type", b"application/json"), (b"content-length", size), *_JSON], body)
