"""The cell's web process: every noun's routes, the pages of refusals, and what must answer before it is ready."""

import asyncio
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit

from quart import Quart, Response, g, redirect, request, send_from_directory
from quart_schema import Info, QuartSchema, hide

from cell.audit import routes as audit
from cell.directory import routes as directory
from cell.domains import routes as domains
from cell.factors import routes as factors
from cell.invitations import routes as invitations
from cell.library import api as library_api
from cell.library import routes as library
from cell.links import api as links_api
from cell.links import routes as links
from cell.links.subjects import LinkMistyped, LinkUnknown
from cell.people import account_routes as account
from cell.people import reset_routes as reset
from cell.people import routes as people
from cell.recordings import recorder
from cell.recordings import routes as recordings
from cell.resources import Cell
from cell.security import routes as security
from cell.sessions import factor_routes as second_steps
from cell.sessions import proving_routes as proving
from cell.sessions import routes as sessions
from cell.sessions.subjects import FactorMissing, NotSignedIn, ProofStale
from cell.signup import routes as signup
from cell.sso import admin_routes as sso_admin
from cell.sso import log_routes as sign_ins
from cell.sso import routes as sso
from cell.tokens import routes as tokens
from cell.ui import pages
from kit.addresses import Addresses
from kit.refusals import Refusal
from kit.web import Routes
from kit.web.app import create_app
from kit.web.peers import from_real_peer

STATIC = Path(__file__).parent / "ui" / "static"
YEAR_S = 31_536_000  # names of static files carry a hash of their contents

ROUTES: tuple[Routes, ...] = (
    sessions.routes,
    sso.routes,
    sso_admin.routes,
    sign_ins.routes,
    domains.routes,
    directory.routes,
    second_steps.routes,
    proving.routes,
    library.routes,
    links.routes,
    people.routes,
    account.routes,
    reset.routes,
    factors.routes,
    invitations.routes,
    tokens.routes,
    security.routes,
    audit.routes,
    recordings.routes,
    signup.routes,
    links_api.routes,
    library_api.routes,
)


def make_app(cell: Cell, stop: asyncio.Event | None = None) -> Quart:
    """The application of an opened cell; endless streams end when `stop` is set."""
    app = create_app(
        "cell",
        page=_page,
        checks=cell.checks,
        headers=_headers(cell.settings.s3_endpoint),
        facts={"feed": cell.feed.health} if cell.feed is not None else {},
    )
    app.asgi_app = from_real_peer(app.asgi_app, Addresses(cell.settings.trusted_proxies))  # type: ignore[method-assign,assignment]
    app.extensions["cell"] = cell
    app.extensions["stopping"] = stop or asyncio.Event()
    for routes in ROUTES:
        app.register_blueprint(routes.blueprint)
    QuartSchema(
        app,
        info=Info(title="Cellcast", version="1", description="Links and recordings of a workspace."),
        openapi_path="/api/v1/openapi.json",
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        security=[{"token": []}],
    )

    @app.get("/static/<path:name>")
    @hide
    async def static(name: str) -> Response:
        answer = await send_from_directory(STATIC, name)
        answer.cache_control.public, answer.cache_control.immutable = True, True
        answer.cache_control.max_age = YEAR_S
        return answer

    @app.get("/ui")
    @hide
    async def gallery() -> Response:
        """Every component in every state."""
        return pages.draw("gallery.html")

    return app


def _headers(s3_endpoint: str) -> dict[str, str]:
    """Security headers of every answer (OWASP secure headers project)."""
    parts = urlsplit(s3_endpoint)
    s3 = f"{parts.scheme}://{parts.netloc}"
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: blob: {s3}",
        "media-src": f"'self' blob: {s3}",
        "connect-src": f"'self' {s3}",
        "font-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        "Referrer-Policy": "same-origin",  # addresses of customers' pages hold the link's secret
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    }


async def _page(status: int, refusal: Refusal) -> Response:
    """What a person sees of a refusal."""
    if isinstance(refusal, NotSignedIn):
        onward = request.full_path.rstrip("?") if request.method == "GET" else ""
        return cast(Response, redirect(f"{g.sign_in_at}?{_query(onward)}", 303))
    if isinstance(refusal, ProofStale | FactorMissing):
        return cast(Response, redirect(g.way_out, 303))
    title, detail = pages.gettext(refusal.title), pages.gettext(refusal.detail)
    if isinstance(refusal, LinkMistyped | LinkUnknown):
        return recorder.unknown(status)
    return pages.draw("error.html", status, status=status, title=title, detail=detail, way_out=None)


def _query(onward: str) -> str:
    return urlencode({"next": onward})
