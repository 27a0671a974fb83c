"""Puts the door of one worker together."""

from kit import built
from kit.addresses import Addresses, Hosts
from kit.guesses import Guesses
from kit.i18n import Catalogs
from router.door import Door, Guards
from router.map import Map
from router.pages import HERE, Answer, Pages
from router.settings import RouterSettings

STATIC = HERE / "static"  # built by `cell/ui/build.mjs`


def create(settings: RouterSettings, map: Map, counts: memoryview) -> Door:
    """The application of one worker."""
    files = built.files_in(STATIC)
    paths = {name: one.path for name, one in files.items()}
    pages = Pages(Catalogs([HERE / "locale"]), paths, str(settings.go_url), settings.regions)
    guards = Guards(
        Hosts([settings.go_url.host or "", *settings.also_hosts]),
        Addresses(settings.trusted_proxies),
        Guesses(settings.unknown_per_minute),
    )
    return Door(map, pages, {one.path.encode(): _answer(one) for one in files.values()}, guards, counts)


def _answer(file: built.File) -> Answer:
    headers = {
        "content-type": file.content_type,
        "content-length": str(len(file.content)),
        "cache-control": built.FOREVER,
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
    }
    return Answer(200, [(name.encode(), value.encode()) for name, value in headers.items()], file.content)
