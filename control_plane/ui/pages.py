"""Drawing pages: escaped templates, one stylesheet of our own, and a policy that allows nothing else."""

import json
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from quart import Quart, Response, request

from kit import i18n, logs
from kit.refusals import NotFound, Refusal

UI = Path(__file__).parent
STYLESHEET = "sign-up.css"
FOREVER = "public, max-age=31536000, immutable"  # the name holds a hash of the content

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}

log = logs.get("pages")


def language() -> str:
    """The visitor's language."""
    return i18n.negotiate(request.headers.get("Accept-Language", ""))


def gettext(message: str) -> str:
    """`message` in the visitor's language."""
    return _catalogs().gettext(language(), message) if message else ""


def draw(template: str, status: int = 200, /, **variables: object) -> Response:
    """An answer drawn from a template such as `signup/regions.html`."""
    style = _stylesheet()
    html = _environment(language()).get_template(template).render(stylesheet=style[0] if style else "", **variables)
    return Response(html, status, HEADERS, content_type="text/html; charset=utf-8")


async def refusal(status: int, refused: Refusal) -> Response:
    """What a person sees of a refusal."""
    return draw("refused.html", status, title=gettext(refused.title), detail=gettext(refused.detail))


def serve_style(app: Quart) -> None:
    """Answer the stylesheet's address."""

    @app.get("/static/<name>")
    async def static(name: str) -> Response:
        style = _stylesheet()
        if style is None or style[0] != f"/static/{name}":
            raise NotFound
        return Response(style[1], 200, {"Cache-Control": FOREVER}, content_type="text/css; charset=utf-8")


@cache
def _stylesheet() -> tuple[str, bytes] | None:
    """Its address and content, as `cell/ui/build.mjs` made it. Without one the pages are plain, and work."""
    folder = UI / "static"
    try:
        name = str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))[STYLESHEET])
        return f"/static/{name}", (folder / name).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        log.warning("no stylesheet: pages stay plain", reason=repr(error))
        return None


@cache
def _catalogs() -> i18n.Catalogs:
    return i18n.Catalogs([UI / "locale"])


@cache
def _environment(reader: str) -> Environment:
    nouns = {folder.parent.name: FileSystemLoader(folder) for folder in UI.parent.glob("*/templates")}
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(UI / "templates"), PrefixLoader(nouns)]),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogs = _catalogs()
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        lambda message: catalogs.gettext(reader, message),
        lambda one, many, n: catalogs.ngettext(reader, one, many, n),
        newstyle=True,
    )
    environment.globals.update(language=reader, direction=i18n.direction(reader))
    return environment
