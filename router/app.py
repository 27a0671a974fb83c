"""Puts the door of one worker together."""

import json
from pathlib import Path

from kit import logs
from kit.addresses import Addresses, Hosts
from kit.i18n import Catalogs
from router.door import Door, Guards
from router.limits import Guesses
from router.map import Map
from router.pages import HERE, Answer, Pages
from router.settings import RouterSettings

STATIC = HERE / "static"  # built by `cell/ui/build.mjs`
STYLESHEET = "pages-style.css"

log = logs.get("router")


def create(settings: RouterSettings, map: Map, counts: memoryview) -> Door:
    """The application of one worker."""
    styles = _stylesheet(STATIC)
    pages = Pages(Catalogs([HERE / "locale"]), next(iter(styles)).decode() if styles else None)
    guards = Guards(
        Hosts([settings.go_url.host or "", *settings.also_hosts]),
        Addresses(settings.trusted_proxies),
        Guesses(settings.unknown_per_minute),
    )
    return Door(map, pages, styles, guards, counts)


def _stylesheet(folder: Path) -> dict[bytes, Answer]:
    """The stylesheet by its address, which holds its hash. Without one the router still leads people on."""
    try:
        name = str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))[STYLESHEET])
        content = (folder / name).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        log.warning("no stylesheet: pages stay plain", reason=repr(error))
        return {}
    headers = [
        (b"content-type", b"text/css; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return {f"/static/{name}".encode(): Answer(200, headers, content)}
