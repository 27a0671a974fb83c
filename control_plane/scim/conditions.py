"""If-Match and If-None-Match: which versions a client knows (RFC 7232, RFC 7644 section 3.14)."""

import re

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
MOST = 5  # versions that are looked at
NEVER = 2**62  # stands for a tag that was never one of ours


def versions(header: str) -> list[int] | None:
    """The versions of a header; None without one, empty for `*`, which is any."""
    text = header.strip()
    if not text:
        return None
    if text == "*":
        return []
    found = [int(one) for one in _TAG.findall(text)[:MOST] if _VERSION.fullmatch(one)]
    return found or [NEVER]
