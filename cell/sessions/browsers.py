"""A browser in words, so that people know their own sessions again: "Firefox on Windows"."""

from typing import TypedDict

from quart import request

from cell.ui import pages

# The first that is found counts: Edge and Opera name Chrome too, and Chrome names Safari.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def present() -> str:
    """The browser of the request at hand."""
    return describe(request.headers.get("User-Agent", ""))


class Here(TypedDict):
    """What a session is told of the request that begins it."""

    browser: str
    address: str
    language: str


def here(address: str) -> Here:
    """The request at hand, which came from this network address."""
    return {"browser": present(), "address": address, "language": pages.language()}


def describe(user_agent: str) -> str:
    """What a User-Agent header says, in a few words; "Browser" where it says nothing known."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
