"""The web process of provisioning."""

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from quart import Quart

from control_plane.provisioning.finding_routes import routes as finding
from control_plane.provisioning.resources import Provisioning
from control_plane.provisioning.routes import routes as sign_up
from control_plane.saml import routes as saml
from control_plane.ui import pages
from kit.addresses import Addresses
from kit.web import Routes
from kit.web.app import create_app

ROUTES: tuple[Routes, ...] = (sign_up, finding, saml.routes)


def make_app(provisioning: Provisioning) -> Quart:
    """The application of an opened process."""
    app = create_app(
        "provisioning",
        page=pages.refusal,
        checks=provisioning.checks,
        headers=pages.HEADERS,
        facts={"feed": provisioning.feed.health},
        from_elsewhere=frozenset({saml.ACS}),
    )
    app.extensions["provisioning"] = provisioning
    for one in ROUTES:
        app.register_blueprint(one.blueprint)
    pages.serve_style(app)
    return app


def in_front_of(app: ASGIFramework, provisioning: Provisioning) -> ASGIFramework:
    """The application with calls of other processes and SCIM in front of it, and clients behind our proxies named."""
    answering = provisioning.answers.in_front_of(provisioning.scim.in_front_of(app))
    addresses = Addresses(provisioning.settings.trusted_proxies)

    async def asgi(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "http" and scope["client"] is not None:
            scope = {**scope, "client": (addresses.of(scope), scope["client"][1])}
        await answering(scope, receive, send)

    return asgi
