"""What a query asks for: the metrics that it names, and the labels by which it picks their series."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_WINDOW = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_SELECTOR = re.compile(r"(?<![\w:.$])([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?(?!\s*\()(?![\w:])")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without", "on", "ignoring"})


class Asked(NamedTuple):
    """One metric in a query."""

    metric: str
    labels: frozenset[str]


def asked(query: str) -> Iterator[Asked]:
    """Every metric that a query names."""
    plain = _GROUPING.sub(" ", _WINDOW.sub(" ", _STRING.sub('""', query)))
    for found in _SELECTOR.finditer(plain):
        if found[1].lower() not in _WORDS:
            yield Asked(found[1], frozenset(_MATCHER.findall(found[2] or "")))
