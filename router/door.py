"""The hot path: one look-up in memory and a redirect, as plain ASGI. Reads no body, writes no log line."""

import json
from collections.abc import Iterable
from typing import Protocol

from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Scope,
)
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from contracts.placements import State
from router import paths
from router.map import Map, Place
from router.pages import SECURITY_HEADERS, Answer, Outcome, Pages

# Answered by the application behind: the home page, health, the stylesheet.
_OWN = frozenset({b"/", b"/livez", b"/readyz"})
_OWN_FOLDER = b"/static/"

# An enum's attributes are looked up slowly in Python 3.11; these are looked at once a request.
_ACTIVE, _LED_ON = State.ACTIVE, Outcome.LED
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


class Maps(Protocol):
    """Whatever has the map that answers now, or None while there is none."""

    current: Map | None


class _Counted(Collector):
    """Requests by outcome. A plain sum read at each scrape: the library's counter takes a lock for each request."""

    def __init__(self) -> None:
        self.by_outcome = dict.fromkeys(Outcome, 0)

    def collect(self) -> Iterable[Metric]:
        """What a scrape gets to see."""
        family = CounterMetricFamily(
            "cellcast_router_requests", "Requests that were led on, described or refused", labels=["outcome"]
        )
        for outcome, count in self.by_outcome.items():
            family.add_metric([outcome.value], count)
        return [family]


_counted = _Counted()
REGISTRY.register(_counted)


class Door:
    """The ASGI application: answers links and pages itself, passes its own few pages on to `behind`."""

    def __init__(self, maps: Maps, pages: Pages, behind: ASGIFramework) -> None:
        self._maps = maps
        self._pages = pages
        self._behind = behind
        self._counts = _counted.by_outcome

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer one request, or follow the life of the process."""
        if scope["type"] == "http":
            answer = self._answer(scope)
            if answer is not None:
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
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": None})
            return
        await self._behind(scope, receive, send)

    def _answer(self, scope: HTTPScope) -> Answer | None:
        if scope["method"] not in _METHODS:
            return self._refuse(Outcome.METHOD, scope)
        path = scope["raw_path"]
        asked = paths.read(path, scope["query_string"])
        if isinstance(asked, paths.Wrong):
            own = path in _OWN or path.startswith(_OWN_FOLDER)
            return None if own else self._refuse(_OF_WRONG[asked], scope)
        found = self._find(asked.key)
        if not isinstance(found, Place):
            return self._refuse(found, scope, machine=isinstance(asked, paths.Describe))
        if isinstance(asked, paths.Describe):
            return self._describe(asked.key, found)
        self._counts[_LED_ON] += 1
        return Answer(302, [(b"location", found.url + asked.to), *_LED], b"")

    def _find(self, key: bytes) -> Place | Outcome:
        """Where the workspace may be used now, or why it may not."""
        known = self._maps.current
        if known is None:
            return Outcome.STARTING
        place = known.places.get(key)
        if place is None:
            return Outcome.UNKNOWN
        return place if place.state is _ACTIVE else _OF_STATE[place.state]

    def _describe(self, key: bytes, place: Place) -> Answer:
        self._counts[Outcome.DESCRIBED] += 1
        facts = {"key": key.decode(), "region": place.region, "api_base": f"{place.url.decode()}/api/v1"}
        body = json.dumps(facts).encode()
        size = str(len(body)).encode()
        return Answer(200, [(b"content-type", b"application/json"), (b"content-length", size), *_JSON], body)

    def _refuse(self, outcome: Outcome, scope: HTTPScope, *, machine: bool = False) -> Answer:
        self._counts[outcome] += 1
        return self._pages.refusal(outcome, scope["headers"], machine=machine)
