"""What visitors are told when they are not led on: each page made once a language at start, each problem once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from kit.i18n import LANGUAGES, Catalogs, direction, negotiate

HERE = Path(__file__).parent
_TRY_AGAIN_S = 3  # a frozen workspace is back within a second, and so is a router that is starting

# One stylesheet of our own, one inline icon of no bytes, and nothing else at all.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Outcome(StrEnum):
    """How a request ends; the metric counts by these."""

    LED = "led"
    DESCRIBED = "described"
    MALFORMED = "malformed"
    MISTYPED = "mistyped"
    UNKNOWN = "unknown"
    SUSPENDED = "suspended"
    GONE = "gone"
    FROZEN = "frozen"
    STARTING = "starting"
    METHOD = "method"
    MISDIRECTED = "misdirected"
    LIMITED = "limited"


@dataclass(frozen=True)
class Words:
    """One page: what happened, what to do, and whether to offer another try."""

    status: int
    title: str
    detail: str
    again: bool = False
    slug: str = ""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "to be translated elsewhere"
    return text


_NOT_FOUND = Words(
    404,
    N_("There is nothing at this address"),
    N_(
        "The link may be incomplete, or no longer in use. Open it again from the message you received, or ask "
        "whoever sent it for a new one."
    ),
    slug="not-found",
)
_AGAIN = N_("Nothing is lost. Try again in a few seconds.")
_STRANGER = Words(
    421,
    N_("This is not the address you meant"),
    N_("Open the link from the message you received again; its address must not be changed."),
    slug="misdirected",
)

REFUSALS = {
    Outcome.MALFORMED: _NOT_FOUND,
    Outcome.UNKNOWN: _NOT_FOUND,
    Outcome.MISTYPED: Words(
        404,
        N_("This link has a typing mistake"),
        N_(
            "Compare it with the message you received, and check the last characters: some may be missing. What "
            "follows the last slash never contains 0, 1, i, l, o, u or v."
        ),
        slug="mistyped",
    ),
    Outcome.SUSPENDED: Words(
        403,
        N_("This workspace is paused"),
        N_(
            "It cannot be used at the moment. Please reply to the message you received. If this is your own "
            "workspace, ask its administrator."
        ),
        slug="suspended",
    ),
    Outcome.GONE: Words(
        410,
        N_("This workspace is closed"),
        N_("Its links no longer work. Please reply to the message you received to go on."),
        slug="gone",
    ),
    Outcome.FROZEN: Words(503, N_("One moment, please"), _AGAIN, again=True, slug="frozen"),
    Outcome.STARTING: Words(503, N_("We are just starting"), _AGAIN, again=True, slug="starting"),
    Outcome.MISDIRECTED: _STRANGER,
    Outcome.LIMITED: Words(
        429,
        N_("Too many links that do not exist"),
        N_("Many links were tried from your network that lead nowhere. Wait a minute, then open yours again."),
        again=True,
        slug="too-many-requests",
    ),
    Outcome.METHOD: Words(
        405,
        N_("This address can only be opened"),
        N_("Go back, and open the link from the message you received."),
        slug="method-not-allowed",
    ),
}
_HOME = Words(
    200,
    N_("Show your screen, with one link"),
    N_(
        "Have you received a link? Open it, and everything happens in your browser. To sign in to your workspace, "
        "use the address your administrator gave you."
    ),
)

Header = tuple[bytes, bytes]


class Answer(NamedTuple):
    """A whole answer, ready to send."""

    status: int
    headers: list[Header]
    body: bytes


class Pages:
    """Every answer that is not a redirect, made at start."""

    def __init__(self, catalogs: Catalogs, stylesheet: str | None) -> None:
        """`stylesheet` is the address of the one stylesheet; None leaves the pages plain."""
        folder = FileSystemLoader(HERE / "templates")
        template = Environment(loader=folder, autoescape=True, undefined=StrictUndefined).get_template("page.html")

        def in_each(words: Words) -> dict[str, Answer]:
            return {language: _page(template, stylesheet, catalogs, words, language) for language in LANGUAGES}

        self._home = in_each(_HOME)
        self._pages = {outcome: in_each(words) for outcome, words in REFUSALS.items()}
        self._problems = {outcome: _problem(words) for outcome, words in REFUSALS.items()}

    def refusal(self, outcome: Outcome, headers: Iterable[Header], *, machine: bool = False) -> Answer:
        """The page or, for a machine, the problem of `outcome`, for a request with these headers."""
        sent = dict(headers)
        accept = sent.get(b"accept", b"")
        if machine or (b"json" in accept and b"html" not in accept):
            return self._problems[outcome]
        return self._pages[outcome][_language(sent)]

    def home(self, headers: Iterable[Header]) -> Answer:
        """The page at the front door's own address."""
        return self._home[_language(dict(headers))]


def _page(template: Template, stylesheet: str | None, catalogs: Catalogs, words: Words, language: str) -> Answer:
    html = template.render(
        title=catalogs.gettext(language, words.title),
        detail=catalogs.gettext(language, words.detail),
        again=catalogs.gettext(language, N_("Try again")) if words.again else "",
        status=words.status,
        language=language,
        direction=direction(language),
        stylesheet=stylesheet,
    )
    extra = [("Content-Language", language), ("Vary", "Accept, Accept-Language")]
    return _answer(words, "text/html; charset=utf-8", html.encode(), extra)


def _problem(words: Words) -> Answer:
    body = {
        "type": f"/problems/{words.slug}",
        "title": words.title,
        "status": words.status,
        "detail": words.detail,
    }
    return _answer(words, "application/problem+json", json.dumps(body).encode(), [("Vary", "Accept")])


def _answer(words: Words, content_type: str, body: bytes, extra: list[tuple[str, str]]) -> Answer:
    named = [("Content-Type", content_type), ("Content-Length", str(len(body))), *SECURITY_HEADERS.items(), *extra]
    if words.again:
        named.append(("Retry-After", str(_TRY_AGAIN_S)))
    if words.status == REFUSALS[Outcome.METHOD].status:
        # What was sent with the request stays unread, so the connection is of no further use.
        named += [("Allow", "GET, HEAD"), ("Connection", "close")]
    return Answer(words.status, [(name.lower().encode(), value.encode()) for name, value in named], body)


def _language(headers: dict[bytes, bytes]) -> str:
    return negotiate(headers.get(b"accept-language", b"").decode("latin-1"))
