"""The first page of a sign-up, of the global part: which region. Nobody says who they are here."""

from typing import get_args

from quart import Response

from contracts.said import Region
from control_plane import resources
from control_plane.regions import MEANINGS
from control_plane.ui import pages
from kit.web import Routes
from kit.web.subjects import Anyone

routes = Routes("signup")


@routes.get("/sign-up")
async def regions(by: Anyone) -> Response:
    """The regions, with what the choice means; each leads to its own provisioning host."""
    urls = resources.current().settings.sign_up_urls
    shown = [{"code": code, "means": MEANINGS[code], "url": urls[code]} for code in get_args(Region) if code in urls]
    return pages.draw("signup/regions.html", regions=shown)
