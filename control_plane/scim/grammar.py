"""The one door to scim2-filter-parser: its grammar, with a lexer of ours in front.

The library's own lexer knows no escapes, one digit of a number, and takes `or` to bind as tightly as `and`. Ours reads
JSON strings, words in any case and URNs, takes a value without quotation marks for one (clients send them), bounds
length and depth, and puts each side of an `or` in parentheses, so that the grammar cannot misread it.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from scim2_filter_parser import ast
from scim2_filter_parser.parser import SCIMParser, SCIMParserError

from contracts.directory import DEEPEST_TREE, LONGEST_TREE, MOST_STEPS
from control_plane.scim.errors import ScimError, bad
from control_plane.scim.values import is_writable, too_many

COMPARISONS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
MOST_TERMS = 200  # the grammar takes 0.2 ms for each, while others wait
MOST_TERMS_IN_ALL = 1000  # of the paths of one request
TERMS_AT_A_TIME = 20  # then others have their turn
_WORDS = {one: one.upper() for one in (*COMPARISONS, "pr", "and", "or", "not")}
_LITERALS = {"true": True, "false": False, "null": None}
_BRACKETS = {"(": "LPAREN", ")": "RPAREN", "[": "LBRACKET", "]": "RBRACKET"}
_TOKEN = re.compile(
    r"""\s*(?: (?P<bracket>[()\[\]])
             | (?P<string>"(?:[^"\\]|\\.)*")
             | \.(?P<part>\$?[A-Za-z][A-Za-z0-9_$-]*)
             | (?P<name>(?:urn:[A-Za-z0-9:._-]*:)?\$?[A-Za-z][A-Za-z0-9_$-]*)
             )""",
    re.VERBOSE | re.IGNORECASE,
)
_VALUE = re.compile(r"\s*([^\s\"()\[\]]+)")

Value = str | bool | int | float | None


@dataclass(frozen=True)
class Compare:
    """`attribute operator value`; the operator `pr` has no value."""

    operator: str
    attribute: str
    value: Value = None


@dataclass(frozen=True)
class Not:
    """The opposite."""

    node: "Node"


@dataclass(frozen=True)
class Join:
    """All of the nodes (`and`) or one of them (`or`)."""

    word: str
    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class Values:
    """`attribute[node]`; with `then`, a comparison of a part of the values that it chooses."""

    attribute: str
    node: "Node"
    then: Compare | None = None


Node = Compare | Not | Join | Values


class Budget:
    """What one request may have: terms of its paths together, and names of attributes that stand for paths."""

    def __init__(self) -> None:
        self._names, self._spent, self._paused_at = 0, 0, 0

    def name(self) -> None:
        """One name more. Raises ScimError, tooMany."""
        self._names += 1
        if self._names > MOST_STEPS:
            raise too_many(MOST_STEPS, "attributes")

    def spend(self) -> None:
        """One term more. Raises ScimError, tooMany."""
        self._spent += 1
        if self._spent > MOST_TERMS_IN_ALL:
            raise too_many(MOST_TERMS_IN_ALL, "terms in the brackets of paths")

    async def pause(self) -> None:
        """Let others have their turn, if much was parsed since the last time."""
        if self._spent - self._paused_at >= TERMS_AT_A_TIME:
            self._paused_at = self._spent
            await asyncio.sleep(0)


@dataclass
class _Token:
    """What the grammar takes: a type, a value, and a place."""

    type: str
    value: Any
    lineno: int = 1
    index: int = 0
    end: int = 0


def parse(text: str) -> Node:
    """A filter. Raises ScimError, invalidFilter."""
    if len(text) > LONGEST_TREE:
        raise bad("invalidFilter", f"A filter has at most {LONGEST_TREE} characters.")
    return _parsed(_tokens(text))


def parse_path(text: str, budget: Budget) -> Node:
    """A path of a PATCH with brackets: as `Values`, what follows them as a comparison with `pr`.

    Raises ScimError: invalidFilter, tooMany.
    """
    budget.spend()
    if len(text) > LONGEST_TREE:
        raise bad("invalidFilter", f"A path has at most {LONGEST_TREE} characters.")
    *tokens, last = _tokens(text, budget)
    return _parsed([*tokens, _Token("PR", "pr"), last])


def _parsed(tokens: list[_Token]) -> Node:
    try:
        found = SCIMParser().parse(iter(tokens))
    except (SCIMParserError, AttributeError):  # the grammar stumbles over what it did not foresee
        found = None
    if not isinstance(found, ast.AST):
        raise _unreadable()
    return _node(found)


def too_deep() -> ScimError:
    """More brackets in brackets than are followed."""
    return bad("invalidFilter", f"A filter is at most {DEEPEST_TREE} levels deep.")


def _unreadable() -> ScimError:
    return bad("invalidFilter", 'The filter cannot be read. An example: userName eq "ada@example.com"')


def _tokens(text: str, budget: Budget | None = None) -> list[_Token]:
    """What the grammar reads: each side of an `or` in parentheses."""
    made = [_Token("LPAREN", "(")]
    depth = terms = 0
    for one in _lexed(text):
        match one.type:
            case "LPAREN" | "LBRACKET":
                depth += 1
                made += [one, _Token("LPAREN", "(")]
            case "RPAREN" | "RBRACKET":
                depth -= 1
                made += [_Token("RPAREN", ")"), one]
            case "OR":
                made += [_Token("RPAREN", ")"), one, _Token("LPAREN", "(")]
            case _:
                made.append(one)
        if one.type in {"AND", "OR"}:
            terms += 1
            if budget is not None:
                budget.spend()
        if depth > DEEPEST_TREE:
            raise too_deep()
        if terms >= MOST_TERMS:
            raise bad("invalidFilter", f"A filter has at most {MOST_TERMS} terms.")
    return [*made, _Token("RPAREN", ")")]


def _lexed(text: str) -> Iterator[_Token]:
    at, after_comparison, after_path = 0, False, False
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if after_comparison and (found is None or found["string"] is None):
            found = _VALUE.match(text, at)
            if found is None:
                raise _unreadable()
            yield _Token("COMP_VALUE", _literal(found[1]))
            after_comparison, after_path = False, False
        elif found is None:
            raise _unreadable()
        elif found["string"] is not None:
            yield _Token("COMP_VALUE", _string(found["string"]))
            after_comparison, after_path = False, False
        elif found["bracket"] is not None:
            yield _Token(_BRACKETS[found["bracket"]], found["bracket"])
            after_path = found["bracket"] == "]"
        elif found["part"] is not None:
            yield _Token("SUBATTR", found["part"])
            after_path = True
        else:
            word = found["name"].lower()
            # An attribute may be called like an operator: which it is, its place says.
            if word in _WORDS and (after_path or word == "not" or word in {"and", "or"}):
                yield _Token(_WORDS[word], word)
                after_comparison, after_path = word in COMPARISONS, False
            else:
                yield _Token("ATTRNAME", found["name"])
                after_path = True
        at = found.end()


def _string(quoted: str) -> str:
    try:
        said = json.loads(quoted, strict=False)
    except ValueError:
        raise _unreadable() from None
    if not isinstance(said, str) or not is_writable(said):
        raise _unreadable()
    return said


def _literal(word: str) -> Value:
    if word.lower() in _LITERALS:
        return _LITERALS[word.lower()]
    if not is_writable(word):
        raise _unreadable()
    return word


def _node(found: Any) -> Node:  # the library's trees have no types
    """The library's tree as ours; a row of the same word becomes one node, however long it is."""
    match found:
        case ast.Filter(expr=expr, negated=True):
            return Not(_node(expr))
        case ast.Filter(expr=expr, namespace=None):
            return _node(expr)
        case ast.Filter(expr=expr, namespace=namespace):
            return Values(_path(namespace), _node(expr))
        case ast.LogExpr():
            return _join(found)
        case ast.AttrExpr(value=operator, attr_path=path, comp_value=value):
            return _compare(operator.lower(), path, None if value is None else value.value)
    raise _unreadable()


def _join(found: Any) -> Join:
    word, nodes, rest = found.op.lower(), [], found
    while isinstance(rest, ast.LogExpr) and rest.op.lower() == word:
        nodes.append(_node(rest.expr2))
        rest = rest.expr1
        # A side is wrapped in filters that say nothing.
        while isinstance(rest, ast.Filter) and not rest.negated and rest.namespace is None:
            rest = rest.expr
    nodes.append(_node(rest))
    return Join(word, tuple(reversed(nodes)))


def _compare(operator: str, path: Any, value: Value) -> Node:
    values = path.attr_name
    if not isinstance(values, ast.Filter):
        return Compare(operator, _path(path), value)
    # `emails[type eq "work"].value eq "x"`: the library keeps the part at the attribute before the brackets.
    namespace = values.namespace
    if namespace is None or not isinstance(namespace.attr_name, str):
        raise _unreadable()
    part = namespace.sub_attr.value if namespace.sub_attr is not None else ""
    return Values(_path(namespace, part=False), _node(values.expr), Compare(operator, part, value))


def _path(path: Any, *, part: bool = True) -> str:
    if not isinstance(path.attr_name, str):
        raise _unreadable()
    below = f".{path.sub_attr.value}" if part and path.sub_attr is not None else ""
    return f"{path.attr_name}{below}"


@cache
def warm() -> bool:
    """Build the grammar's tables, which takes a moment, before the first request comes."""
    parse('userName eq "x"')
    return True
