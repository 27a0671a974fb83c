"""The frame of a web process: request ids, security headers, same-origin writes, metrics, health, problems."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from secrets import token_hex
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram
from quart import Quart, Response, g, request
from quart_schema import hide

from kit import health, logs, tracing
from kit.refusals import Kind, Refusal
from kit.web import problems

REQUESTS = Counter("cellcast_http_requests_total", "Requests by route and status class", ["route", "status"])
SECONDS = Histogram(
    "cellcast_http_request_seconds",
    "Server time until the answer's headers",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
IN_FLIGHT = Gauge("cellcast_http_in_flight", "Requests that have no answer yet")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROBES = frozenset({"/livez", "/readyz"})
OUTSIDE_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")  # a request id that we take over from whoever asks

# What /readyz tells besides: facts that make nothing down, such as how old is what is known.
Facts = Mapping[str, Callable[[], object]]


class CrossOrigin(Refusal):
    """A page of another origin tried to act with this person's cookie."""

    kind = Kind.FORBIDDEN
    title = "This request came from another page"
    detail = "Open Cellcast itself and try again there."


def create_app(
    name: str,
    *,
    page: problems.Page,
    checks: health.Checks,
    headers: Mapping[str, str],
    facts: Facts | None = None,
    from_elsewhere: frozenset[str] = frozenset(),
) -> Quart:
    """A Quart application with everything that is the same in each of our processes.

    `headers` are set on every answer that has not set them itself. `from_elsewhere` are rules to which pages of others
    may post; what they carry is proof enough, or they do nothing with a cookie.
    """
    app = Quart(name, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024  # a manifest of 20,000 chunks is 2 MB
    app.config["BODY_TIMEOUT"] = 30
    problems.register(app, page, lambda: str(g.get("request_id", "")))

    @app.before_request
    async def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if OUTSIDE_ID.match(given) else token_hex(8)
        g.started = time.perf_counter()
        IN_FLIGHT.inc()
        logs.clear()
        logs.bind(request_id=g.request_id)
        rule = request.url_rule.rule if request.url_rule is not None else ""
        if tracing.is_on() and rule not in PROBES:
            g.span = ExitStack()
            parent = request.headers.get(tracing.HEADER, "") or request.args.get(tracing.QUERY.decode(), "")
            span = tracing.span(f"{request.method} {rule or 'none'}", parent, **{"http.route": rule})
            g.traced = g.span.enter_context(span)
        if request.method not in SAFE_METHODS and rule not in from_elsewhere:
            require_same_origin()

    @app.after_request
    async def finish(response: Response) -> Response:
        for header, value in headers.items():
            response.headers.setdefault(header, value)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        route = request.url_rule.rule if request.url_rule is not None else "none"
        REQUESTS.labels(route, f"{response.status_code // 100}xx").inc()
        SECONDS.labels(route).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        if g.get("traced") is not None:
            g.traced.set_attribute("http.response.status_code", response.status_code)
        return response

    @app.teardown_request
    async def end(_: BaseException | None) -> None:
        if "started" in g:
            IN_FLIGHT.dec()
        if "span" in g:
            g.span.close()

    @app.get("/livez")
    @hide
    async def livez() -> Response:
        return Response("ok\n", content_type="text/plain")

    @app.get("/readyz")
    @hide
    async def readyz() -> tuple[dict[str, object], int]:
        down = await health.down(checks)
        told = {name: fact() for name, fact in (facts or {}).items()}
        return {"ready": not down, "down": down, **told}, 503 if down else 200

    return app


def require_same_origin() -> None:
    """Refuse an unsafe request that a browser sends for another page (OWASP CSRF cheat sheet, Fetch metadata).

    Bearer tokens are never sent by a browser on its own, so calls that carry one need no proof of origin; unless there
    are cookies as well, by which somebody might be let in instead.
    """
    if request.headers.get("Authorization", "").startswith("Bearer ") and not request.cookies:
        return
    # Fetch metadata first: under some referrer policies browsers send `Origin: null` from our own pages.
    site = request.headers.get("Sec-Fetch-Site")
    origin = urlsplit(request.headers.get("Origin", "")).netloc
    if (site == "same-origin") if site is not None else (origin == request.host):
        return
    raise CrossOrigin
