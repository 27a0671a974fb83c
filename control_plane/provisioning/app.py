"""The web process of provisioning."""

from collections.abc import Awaitable, Callable

from quart import Quart

from control_plane.provisioning.resources import Provisioning
from control_plane.provisioning.routes import routes
from control_plane.ui import pages
from kit.web.app import create_app


def make_app(provisioning: Provisioning) -> Quart:
    """The application of an opened process. The control plane is not asked about: without it only sign-ups wait."""
    app = create_app(
        "provisioning",
        page=pages.refusal,
        checks=_checks(provisioning),
        headers=pages.HEADERS,
        facts={"feed": provisioning.feed.health},
    )
    app.extensions["provisioning"] = provisioning
    app.register_blueprint(routes.blueprint)
    pages.serve_style(app)
    return app


def _checks(provisioning: Provisioning) -> dict[str, Callable[[], Awaitable[None]]]:
    async def redis() -> None:
        await provisioning.redis.ping()

    return {"redis": redis}
