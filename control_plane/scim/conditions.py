"""If-Match and If-None-Match: which versions a client knows (RFC 7232, RFC 7644 section 3.14)."""

import re

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
MOST_EXPECTED = 5  # versions of ours of which a change may have to be one (contracts.directory.Versions)
NEVER = 2**62  # stands for a tag that was never one of ours


def versions(header: str) -> list[int] | None:
    """The versions of a header; None without one, empty for `*`, which is any."""
    text = header.strip()
    if not text:
        return None
    if text == "*":
        return []
    found = {int(one) for one in _TAG.findall(text) if _VERSION.fullmatch(one)}  # a server bounds its headers
    return sorted(found) or [NEVER]
