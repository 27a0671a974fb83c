"""What visitors are told when they are not led on: each page made once a language at start, each problem once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from kit.i18n import LANGUAGES, Catalogs, direction, negotiate
from kit.marking import N_

HERE = Path(__file__).parent
_TRY_AGAIN_S = 3  # a frozen workspace is back within a second, and so is a router that is starting

# One stylesheet of our own, one inline icon of no bytes, and nothing else at all.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'none'"
)
# A form leads on to a cell, and browsers look at where it leads: each cell is named, as the map knows them.
_OF_FORMS = CONTENT_SECURITY_POLICY.replace("form-action 'none'", "script-src 'self'; form-action 'self'")
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
    ASKED = "asked"  # this and the next two are pages of the start of a sign-in
    UNDECIDED = "undecided"
    NO_SUCH_KEY = "no-such-key"


@dataclass(frozen=True)
class Words:
    """One page: what happened, what to do, and whether to offer another try."""

    status: int
    title: str
    detail: str
    again: bool = False
    slug: str = ""


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
    Outcome.MISDIRECTED: Words(
        421,
        N_("This is not the address you meant"),
        N_("Open the link from the message you received again; its address must not be changed."),
        slug="misdirected",
    ),
    Outcome.LIMITED: Words(
        429,
        N_("Too many tries that lead nowhere"),
        N_("Many addresses were tried from your network that do not exist. Wait a minute, then try yours again."),
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
_WHICH = N_("Which workspace is yours?")
FORMS = {
    Outcome.ASKED: Words(200, N_("Sign in to your workspace"), ""),
    Outcome.UNDECIDED: Words(200, _WHICH, ""),
    Outcome.NO_SUCH_KEY: Words(404, _WHICH, N_("No workspace has this key. Compare it with a link of yours.")),
}
_LINK = N_("Have you received a link? Open it, and everything happens in your browser.")
_HOME = Words(200, N_("Show your screen, with one link"), _LINK)

Header = tuple[bytes, bytes]


class Answer(NamedTuple):
    """A whole answer, ready to send."""

    status: int
    headers: list[Header]
    body: bytes


class Pages:
    """Every answer that is not a redirect, made at start."""

    def __init__(
        self, catalogs: Catalogs, files: Mapping[str, str], go_url: str = "", regions: Mapping[str, str] | None = None
    ) -> None:
        """`files` are the addresses of stylesheet and script, by name; without them pages are plain, and work.

        `go_url` is our own address; `regions` the addresses of their provisioning, where links are mailed.
        """
        folder = FileSystemLoader(HERE / "templates")
        environment = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        environment.globals |= {"files": files, "go_url": go_url, "regions": regions or {}, "direction": direction}

        def in_each(template: str, words: Words) -> dict[str, Answer]:
            drawn = environment.get_template(template)
            return {language: _page(drawn, catalogs, words, language) for language in LANGUAGES}

        self._home = in_each("message.html", _HOME)
        self._pages = {outcome: in_each("message.html", words) for outcome, words in REFUSALS.items()}
        self._problems = {outcome: _problem(words) for outcome, words in REFUSALS.items()}
        self._forms = {
            outcome: in_each("ask.html" if outcome is Outcome.ASKED else "choose.html", words)
            for outcome, words in FORMS.items()
        }

    def refusal(self, outcome: Outcome, headers: Iterable[Header], *, machine: bool = False) -> Answer:
        """The page or, for a machine, the problem of `outcome`, for a request with these headers."""
        sent = dict(headers)
        accept = sent.get(b"accept", b"")
        if machine or (b"json" in accept and b"html" not in accept):
            return self._problems[outcome]
        return self._pages[outcome][_language(sent)]

    def form(self, outcome: Outcome, headers: Iterable[Header], cells: Sequence[bytes]) -> Answer:
        """A page of the start of a sign-in, whose forms may lead to these cells."""
        made = self._forms[outcome][_language(dict(headers))]
        policy = b" ".join([_OF_FORMS.encode(), *cells])
        kept = [(name, policy if name == b"content-security-policy" else value) for name, value in made.headers]
        return made._replace(headers=kept)

    def home(self, headers: Iterable[Header]) -> Answer:
        """The page at the front door's own address."""
        return self._home[_language(dict(headers))]


def _page(template: Template, catalogs: Catalogs, words: Words, language: str) -> Answer:
    html = template.render(_=partial(catalogs.gettext, language), words=words, language=language)
    extra = [("Content-Language", language), ("Vary", "Accept, Accept-Language")]
    return _answer(words, "text/html; charset=utf-8", html.encode(), extra)


def _problem(words: Words) -> Answer:
    body = {"type": f"/problems/{words.slug}", "title": words.title, "status": words.status, "detail": words.detail}
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
