"""The control plane's web process: the operators' API, the feeds, and the first page of a sign-up."""

from quart import Quart
from quart_schema import Info, QuartSchema

from control_plane import deployment
from control_plane.audit import api as audit
from control_plane.feed import api as feed_api
from control_plane.feed import routes as feeds
from control_plane.operators import api as operators
from control_plane.peers import api as peers
from control_plane.placement import api as placement
from control_plane.placement import cells_api as cells
from control_plane.resources import ControlPlane
from control_plane.signup import routes as signup
from control_plane.ui import pages
from kit.web import Routes
from kit.web.app import create_app

ROUTES: tuple[Routes, ...] = (
    operators.routes,
    deployment.routes,
    cells.routes,
    peers.routes,
    placement.routes,
    feed_api.routes,
    audit.routes,
    feeds.routes,
    signup.routes,
)

# Security headers of every answer (OWASP secure headers project).
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Cache-Control": "no-store",
}


def make_app(plane: ControlPlane) -> Quart:
    """The application of an opened control plane."""
    app = create_app("control-plane", page=pages.refusal, checks=plane.checks, headers=HEADERS)
    app.extensions["control_plane"] = plane
    for routes in ROUTES:
        app.register_blueprint(routes.blueprint)
    pages.serve_style(app)
    QuartSchema(
        app,
        info=Info(title="Cellcast operators", version="1", description="Cells, workspaces, placements, feeds."),
        openapi_path="/api/operators/v1/openapi.json",
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        security_schemes={"operator": {"type": "http", "scheme": "bearer"}},
        security=[{"operator": []}],
    )
    return app
