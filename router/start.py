"""The start page of sign-ins: whose domain belongs to one workspace is led there, everybody else is asked the same.

It is sent a domain, never an address. Whether nobody has the domain or several do, neither words nor time say.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from contracts import domains
from contracts.keys import PATTERN
from contracts.placements import State
from kit.guesses import Guesses
from router.map import Map, NoAnswer
from router.pages import Outcome
from router.records import Place

PATH = b"/sign-in"
# Alone, or in whatever somebody copied that begins with our address: a link, a page.
_KEY = re.compile(rf"(?:^|/)({PATTERN})(?:[-/?#]|$)")
_NOBODY = (b"-",) * domains.MOST_WORKSPACES

Find = Callable[[bytes, str], Place | Outcome]


class Start:
    """Answers where to lead a browser, or which page to show it."""

    def __init__(self, map: Map, find: Find, guesses: Guesses) -> None:
        self._map, self._find, self._guesses = map, find, guesses

    def lead(self, query: bytes, address: str) -> bytes | Outcome:
        """What the query of a request to the start page leads to."""
        said = unquote_to_bytes(query.replace(b"+", b" ")).decode("utf-8", "replace")
        if "@" in said:  # an address came all the same: on with its domain, and the rest out of sight
            return PATH + b"?domain=" + _domain(said.rpartition("@")[2].partition("&")[0]).encode()
        name, _, text = said.partition("=")
        if name == "workspace":
            return self._of_key(text, address)
        return self._of_domain(_domain(text), address) if name == "domain" else Outcome.ASKED

    def _of_key(self, text: str, address: str) -> bytes | Outcome:
        typed = _KEY.search(text.strip().lower())
        key = typed[1].encode() if typed else b""
        found = self._find(key, address) if key else Outcome.UNKNOWN
        if isinstance(found, Outcome):
            return Outcome.NO_SUCH_KEY if found is Outcome.UNKNOWN else found
        return _sign_in(found, key)

    def _of_domain(self, domain: str, address: str) -> bytes | Outcome:
        if not domain:
            return Outcome.UNDECIDED
        word = f"@{domain}".encode()
        if self._guesses.refuses(address, word):
            return Outcome.LIMITED
        try:
            keys = self._map.workspaces(domain)
            # As many questions whatever the answers are: how long it takes tells nothing.
            places = {key: self._map.find(key) for key in (*keys, *_NOBODY)[: domains.MOST_WORKSPACES]}
        except NoAnswer:
            return Outcome.STARTING
        if self._map.held is None:
            return Outcome.STARTING
        there = [(key, at) for key, at in places.items() if at and at.state in {State.ACTIVE, State.FROZEN}]
        if len(there) != 1:
            self._guesses.missed(address)
            return Outcome.UNDECIDED
        self._guesses.led(address, word)
        key, place = there[0]
        return _sign_in(place, key) if place.state is State.ACTIVE else Outcome.FROZEN


def _domain(text: str) -> str:
    """A domain in the form in which it is compared; empty for what is none."""
    try:
        return domains.normalised(text)
    except domains.DomainRefused:
        return ""


def _sign_in(place: Place, key: bytes) -> bytes:
    return place.url + b"/w/" + key + PATH
