"""Drawing pages: one Jinja environment a language, the noun's templates below the noun's name."""

import json
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, select_autoescape
from quart import Response, request

from cell.people.permissions import Permission
from cell.resources import current
from cell.sessions.subjects import Member
from cell.sso import connections
from cell.ui import words
from cell.workspaces import service as workspaces
from contracts.presets import NAMES
from kit import i18n
from kit.database import now
from kit.refusals import Refusal

UI = Path(__file__).parent
CELL = UI.parent

# Entries of the navigation under which a workspace is set up: what an admin has to hear stands on each of them.
SETTINGS = frozenset({"people", "sso", "domains", "sign-ins", "directory", "tokens", "security", "audit"})


def language() -> str:
    """The visitor's language."""
    return i18n.negotiate(request.headers.get("Accept-Language", ""))


def gettext(message: str) -> str:
    """`message` in the visitor's language."""
    return _catalogs().gettext(language(), message)


def told(refusal: Refusal) -> dict[str, str]:
    """What a page says of a refusal: `title` and `detail` in the visitor's language."""
    return {"title": gettext(refusal.title), "detail": gettext(refusal.detail)}


def told_script(refusal: Refusal, status: int) -> Response:
    """The same for a script of ours that shows it as it is."""
    return Response(json.dumps(told(refusal)), status, {"Cache-Control": "no-store"}, content_type="application/json")


def in_language(language: str, message: str) -> str:
    """`message` in a language that was chosen earlier; English where it is none of ours."""
    return _catalogs().gettext(language if language in i18n.LANGUAGES else i18n.SOURCE, message)


def draw(template: str, status: int = 200, /, **variables: object) -> Response:
    """An answer drawn from a template such as `library/library.html`."""
    html = _environment(language()).get_template(template).render(**variables)
    return Response(html, status, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def draw_for(by: Member, template: str, here: str, status: int = 200, /, **variables: object) -> Response:
    """A page or a partial for somebody who is signed in; `here` is the entry of the navigation."""
    banner = _certificate_ends(by) if here in SETTINGS and not wants_partial() else None
    return draw(template, status, **frame(by), here=here, certificate_ends=banner, **variables)


def _certificate_ends(by: Member) -> dict[str, object] | None:
    """What to tell who can add one: the last certificate of the identity provider ends soon, or has ended."""
    connection = connections.enabled(current(), by.workspace.key) if Permission.SSO_CHANGE in by.may else None
    ahead = None if connection is None else connection.expiring(now())
    if connection is None or ahead is None:
        return None
    ends = max(one.not_after for one in connection.certificates)
    return {"product": NAMES[connection.vendor], "at": ends, "days": ahead.days, "over": ends <= now()}


def frame(by: Member) -> dict[str, object]:
    """What every page of a member knows."""
    settings = current().settings
    person, workspace = by.person, by.workspace
    return {
        "me": {
            "name": person.name,
            "email": person.email,
            "role": person.role,
            "initials": words.initials(person.name),
        },
        "may": by.may,
        "fresh": by.fresh,
        "workspace": {"key": workspace.key, "name": workspace.name, "region": settings.region},
        "base": f"/w/{workspace.key}",
        "go_url": settings.go_url,
    }


async def frame_of(key: str) -> dict[str, object]:
    """What a workspace's pages know before somebody is signed in. Raises NotFound."""
    cell = current()
    async with cell.database.reading(await workspaces.id_of(cell.database, key)) as tx:
        workspace = await workspaces.get(tx)
    shown = {"key": key, "name": workspace.name, "region": cell.settings.region}
    return {"workspace": shown, "base": f"/w/{key}"}


def wants_partial() -> bool:
    """Whether a script of ours asks for a piece of a page."""
    return "HX-Request" in request.headers


@cache
def _catalogs() -> i18n.Catalogs:
    return i18n.Catalogs([UI / "locale"])


@cache
def _manifest() -> dict[str, str]:
    found: dict[str, str] = json.loads((UI / "static" / "manifest.json").read_text())
    return found


def asset(name: str) -> str:
    """The address of a built script or style; its name changes with its contents."""
    return f"/static/{_manifest()[name]}"


@cache
def _environment(reader: str) -> Environment:
    nouns = {folder.parent.name: FileSystemLoader(folder) for folder in CELL.glob("*/templates") if folder.parent != UI}
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader([UI / "templates", UI]), PrefixLoader(nouns)]),
        autoescape=select_autoescape(default=True),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogs = _catalogs()
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        lambda message: catalogs.gettext(reader, message),
        lambda one, many, n: catalogs.ngettext(reader, one, many, n),
        newstyle=True,
    )
    environment.filters.update(words.filters(reader))
    environment.globals.update(language=reader, direction=i18n.direction(reader), asset=asset)
    return environment
