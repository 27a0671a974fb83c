"""Paths of requests, as everybody who reads them may understand them."""

import re
from urllib.parse import unquote_to_bytes

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Control characters, what some browser takes for a slash, and a second layer of escapes.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\%\u2028\u2029]")


def is_harmless(path: bytes) -> bool:
    """True when what a path's escapes stand for changes nothing of its shape, in any reader's eyes."""
    if _BROKEN_ESCAPE.search(path):
        return False
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    segments = decoded.split("/")
    same_shape = len(segments) == path.count(b"/") + 1
    return same_shape and not _FORBIDDEN.search(decoded) and not {".", ".."}.intersection(segments)
