"""Puts the router together: the map, the door in front, and the small Quart application behind it."""

import asyncio
import json
from http import HTTPStatus
from pathlib import Path

from quart import Quart, Response, request

from kit import logs, metrics
from kit.i18n import Catalogs
from kit.refusals import NotFound, Refusal
from kit.serve import serve
from kit.web.app import create_app
from router.door import Door
from router.map import MapFile
from router.pages import HERE, SECURITY_HEADERS, Answer, Outcome, Pages
from router.settings import RouterSettings

STATIC = HERE / "static"  # built by `cell/ui/build.mjs`
STYLESHEET = "pages-style.css"

log = logs.get("router")


class NoMap(Exception):
    """No snapshot was taken yet, so nobody can be led anywhere."""


def create(settings: RouterSettings) -> tuple[Door, MapFile]:
    """The application and the map it answers from; the map is as yet empty: `look` or `follow` it."""
    at = MapFile(settings.snapshot_path, settings.registry_public_keys, str(settings.go_url))
    style = _stylesheet(STATIC)
    pages = Pages(Catalogs([HERE / "locale"]), f"/static/{style[0]}" if style else None)
    return Door(at, pages, _behind(at, pages, style)), at


def _stylesheet(folder: Path) -> tuple[str, bytes] | None:
    """The stylesheet's name, which holds its hash, and its content. Without one the router still leads people on."""
    try:
        name = str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))[STYLESHEET])
        return name, (folder / name).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        log.warning("no stylesheet: pages stay plain", reason=repr(error))
        return None


def _behind(at: MapFile, pages: Pages, style: tuple[str, bytes] | None) -> Quart:
    async def page(status: int, refusal: Refusal) -> Response:
        # All that can be refused here is a file that does not exist, or a failure of ours.
        outcome = Outcome.UNKNOWN if status < HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.STARTING
        return _response(pages.refusal(outcome, _sent()))

    async def map_is_there() -> None:
        if at.current is None:
            raise NoMap

    app = create_app("router", page=page, checks={"map": map_is_there}, headers=SECURITY_HEADERS)

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


async def run(settings: RouterSettings) -> None:
    """Answer until a signal says stop, from the map that is there and each better one that comes."""
    door, at = create(settings)
    if settings.metrics_bind:
        metrics.serve(settings.metrics_bind)
    at.look()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(at.follow())
        log.info("ready", url=str(settings.go_url))
        await serve(door, settings.bind)
        following.cancel()
