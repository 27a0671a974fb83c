"""What a path asks for. Only what is understood whole is answered; anything else is malformed."""

import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from contracts import links
from contracts.keys import PATTERN, is_key
from kit.paths import is_harmless


class Lead(NamedTuple):
    """Lead the visitor to the workspace's cell; `to` is path and query there, plain ASCII that begins with /."""

    key: bytes
    to: bytes


class Describe(NamedTuple):
    """Tell a machine where the workspace's API is; `key` is what stood there, key or not."""

    key: bytes


class Wrong(Enum):
    """Nothing that leads anywhere; nearly a link is told from what never was one."""

    MALFORMED = "malformed"
    MISTYPED = "mistyped"


_WELL_KNOWN = b"/.well-known/cellcast/"
_LONGEST = 4096  # bytes of path and query together; browsers and mail programs break longer ones anyway

_LINK = re.compile(b"/" + links.LINK_PATTERN.encode())
# A page of a workspace: /w/{key} and segments after it, none of them empty, `.` or `..`.
_SEGMENT = r"/(?!\.\.?(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+"
_PAGE = re.compile(rf"/w/({PATTERN})(?:{_SEGMENT})*/?".encode())
_QUERY = re.compile(rb"[!-~]*")


def read(path: bytes, query: bytes) -> Lead | Describe | Wrong:
    """What the raw path and query of a request ask for; never raises."""
    link = _LINK.fullmatch(path)
    if link is not None:  # nearly every request there is
        return Lead(link[1], b"/r" + path) if links.fits(path[1:]) else Wrong.MISTYPED
    if len(path) + len(query) > _LONGEST or not path.startswith(b"/"):
        return Wrong.MALFORMED
    if path.startswith(b"/w/"):
        return _page(path, query)
    if path.startswith(_WELL_KNOWN):
        return Describe(path[len(_WELL_KNOWN) :])
    return _word(path[1:].removesuffix(b"/"))


def _page(path: bytes, query: bytes) -> Lead | Wrong:
    found = _PAGE.fullmatch(path)
    if found is None or not _QUERY.fullmatch(query) or (b"%" in path and not is_harmless(path)):
        return Wrong.MALFORMED
    return Lead(found[1], path + b"?" + query if query else path)


def _word(raw: bytes) -> Lead | Wrong:
    """The one word of a path: a workspace's key, which leads to its sign-in, or a link not quite as it was sent."""
    word = unquote_to_bytes(raw).decode("ascii", "replace").lower()
    if is_key(word):
        return Lead(word.encode(), f"/w/{word}/sign-in".encode())
    try:
        key, secret = links.parse(word)
    except links.Mistyped:
        return Wrong.MISTYPED
    except links.Malformed:
        return Wrong.MALFORMED
    return Lead(key.encode(), f"/r/{key}-{secret}".encode())
