"""Puts the door together, with the small Quart application behind it."""

import json
from http import HTTPStatus
from pathlib import Path

from quart import Quart, Response, request

from kit import logs
from kit.addresses import Addresses, Hosts
from kit.i18n import Catalogs
from kit.refusals import NotFound, Refusal
from kit.web.app import create_app
from router.door import Door, Guards
from router.limits import Guesses
from router.map import Map
from router.pages import HERE, SECURITY_HEADERS, Answer, Outcome, Pages
from router.settings import RouterSettings

STATIC = HERE / "static"  # built by `cell/ui/build.mjs`
STYLESHEET = "pages-style.css"

log = logs.get("router")


def create(settings: RouterSettings, map: Map, counts: memoryview) -> Door:
    """The application of one worker."""
    style = _stylesheet(STATIC)
    pages = Pages(Catalogs([HERE / "locale"]), f"/static/{style[0]}" if style else None)
    guards = Guards(
        Hosts([settings.go_url.host or "", *settings.also_hosts]),
        Addresses(settings.trusted_proxies),
        Guesses(settings.unknown_per_minute),
    )
    return Door(map, pages, _behind(pages, style), guards, counts)


def _stylesheet(folder: Path) -> tuple[str, bytes] | None:
    """The stylesheet's name, which holds its hash, and its content. Without one the router still leads people on."""
    try:
        name = str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))[STYLESHEET])
        return name, (folder / name).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        log.warning("no stylesheet: pages stay plain", reason=repr(error))
        return None


def _behind(pages: Pages, style: tuple[str, bytes] | None) -> Quart:
    async def page(status: int, refusal: Refusal) -> Response:
        # All that can be refused here is a file that does not exist, or a failure of ours.
        outcome = Outcome.UNKNOWN if status < HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.STARTING
        return _response(pages.refusal(outcome, _sent()))

    app = create_app("router", page=page, checks={}, headers=SECURITY_HEADERS)

    @app.get("/")
    async def home() -> Response:
        return _response(pages.home(_sent()))

    @app.get("/static/<name>")
    async def static(name: str) -> Response:
        if style is None or name != style[0]:
            raise NotFound
        forever = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(style[1], 200, forever, content_type="text/css; charset=utf-8")

    return app


def _sent() -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]


def _response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)
