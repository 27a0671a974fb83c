"""A filter as a tree of the directory's words. What cannot be mapped is refused: it never means everyone."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from contracts.directory import DEEPEST_TREE, FITS, ORDERED, WITHIN, Tree
from contracts.directory_schema import LONGEST_TEXT, Type
from control_plane.scim import grammar
from control_plane.scim.errors import ScimError, bad
from control_plane.scim.grammar import Compare, Join, Node, Not, Value, Values
from control_plane.scim.names import Name, ResourceType
from control_plane.scim.values import truth

EVERYONE: Tree = ["pr", ["id"]]
NOBODY: Tree = ["not", EVERYONE]

# Finds the attribute of a word in a filter.
Find = Callable[[str], Name]


class Unmapped(ScimError):
    """The filter names what this kind of resource does not have."""

    def __init__(self) -> None:
        super().__init__(
            400, "The filter names an attribute that is not there, or cannot be searched.", "invalidFilter"
        )


def compiled(kind: ResourceType, text: str) -> Tree:
    """The tree of a filter. Raises ScimError, invalidFilter."""
    return tree(kind, grammar.parse(text))


def compiled_for(kinds: Sequence[ResourceType], text: str) -> list[tuple[ResourceType, Tree]]:
    """A filter as a tree for each of the kinds; what only another one of them has is absent. Raises ScimError."""
    node = grammar.parse(text)
    return [(kind, _folded(tree(kind, node, [one for one in kinds if one is not kind]))) for kind in kinds]


def tree(kind: ResourceType, node: Node, others: Sequence[ResourceType] = ()) -> Tree:
    """The tree of a filter that has been parsed. What one of `others` has, and this kind has not, is absent in all.

    Raises ScimError, invalidFilter.
    """

    def find(word: str) -> Name:
        found = kind.find(word)
        if not isinstance(found, Name):
            raise Unmapped
        return found

    return _bounded(_Compiler(kind, find, others).tree(node))


def of_values(name: Name, node: Node) -> Tree:
    """The tree over the values of an attribute, where paths are parts of a value."""

    def find(word: str) -> Name:
        found = name.parts.get(word.lower())
        if found is None:
            raise Unmapped
        return Name(found.scim, (found.own,), found.attribute, fixed=found.fixed)

    return _bounded(_Compiler(None, find).tree(node))


def _bounded(made: Tree) -> Tree:
    if _depth(made) > DEEPEST_TREE:
        raise grammar.too_deep()
    return made


def _depth(made: Tree) -> int:
    match made:
        case ["and" | "or", left, right]:
            return 1 + max(_depth(left), _depth(right))
        case ["not", inner] | ["some", _, inner]:
            return 1 + _depth(inner)
    return 1


class _Compiler:
    """`kind` is None for a tree over values, which have no schemas."""

    def __init__(self, kind: ResourceType | None, find: Find, others: Sequence[ResourceType] = ()) -> None:
        self._kind = kind
        self._find = find
        self._others = others

    def tree(self, node: Node) -> Tree:
        match node:
            case Not(inner):
                return ["not", self.tree(inner)]
            case Join(word, nodes):
                return _balanced(word, [self.tree(one) for one in nodes])
            case Values() | Compare():
                elsewhere = self._elsewhere(node.attribute)
                return self._leaf(node) if elsewhere is None else _of_absent(tree(elsewhere, node))

    def _leaf(self, node: Values | Compare) -> Tree:
        return self._values(node) if isinstance(node, Values) else self._compare(node)

    def _elsewhere(self, word: str) -> ResourceType | None:
        """Another kind that has the attribute, where this one has not."""
        if self._kind is None or isinstance(self._kind.find(word), Name):
            return None
        return next((one for one in self._others if isinstance(one.find(word), Name)), None)

    def _values(self, node: Values) -> Tree:
        name = self._find(node.attribute)
        if not name.parts or not name.path:
            raise Unmapped
        chosen = of_values(name, node.node)
        if node.then is not None:
            inner = of_values(name, node.then)
            chosen = ["and", chosen, inner]
        return ["some", list(name.path), chosen] if name.attribute.many else _below(name.path, chosen)

    def _compare(self, node: Compare) -> Tree:
        if self._kind is not None and node.attribute.lower().rpartition(":")[2] == "schemas":
            return _schemas(self._kind, node)
        name = self._find(node.attribute)
        if not name.path:
            return _resource_type(self._kind, name, node)
        if name.fixed:
            return _of_fixed(name, node)
        if node.operator == "pr" or node.value is None:
            return _presence(node, list(name.path))
        if name.attribute.type is Type.PARTS:
            # A comparison with several values is one with what each of them is (RFC 7644 section 3.4.2.2).
            if "value" not in name.parts:
                raise Unmapped
            name = name.parts["value"]
        return [node.operator, list(name.path), _operand(name, node.operator, node.value)]


def _schemas(kind: ResourceType, node: Compare) -> Tree:
    """Everybody has the core schema; the extension has who has something of it."""
    said = str(node.value).lower()
    names = kind.urns.get(said)
    if node.operator in {"eq", "ne"} and names is not None and names is kind.extension:
        there = _balanced("or", [["pr", list(one.path)] for one in names.values()])
        return there if node.operator == "eq" else ["not", there]
    return _constant(node.operator, equals=names is kind.core)


def _resource_type(kind: ResourceType | None, name: Name, node: Compare) -> Tree:
    if kind is None or name.scim != "resourceType":
        raise Unmapped
    return _constant(node.operator, equals=node.value == kind.name)


def _presence(node: Compare, path: list[str]) -> Tree:
    """`pr`, and comparisons with null: what has no value is null (RFC 7643 section 2.5)."""
    match node.operator:
        case "pr" | "ne":
            return ["pr", path]
        case "eq":
            return ["not", ["pr", path]]
    raise bad("invalidFilter", "null is compared with eq and ne alone.")


def _of_fixed(name: Name, node: Compare) -> Tree:
    """A comparison of what is the same in every value: it says that there is a value, or nothing."""
    there: Tree = ["pr", [*name.path[:-1], "value"]]
    if node.operator == "pr" or node.value is None:
        return there if node.operator in {"pr", "ne"} else ["not", there]
    equal = {"ne": "eq"}.get(node.operator, node.operator)
    fits = FITS[equal](name.fixed.lower(), str(_operand(name, equal, node.value)).lower())
    chosen: Tree = there if fits else ["and", there, ["not", there]]
    return ["not", chosen] if node.operator == "ne" else chosen


def _constant(operator: str, *, equals: bool) -> Tree:
    if operator not in {"pr", "eq", "ne"}:
        raise Unmapped
    return EVERYONE if operator == "pr" or equals is (operator == "eq") else NOBODY


def _operand(name: Name, operator: str, value: Value) -> str | bool:
    """The value as its attribute has them. Raises ScimError, invalidFilter."""
    kind = name.attribute.type
    if kind is Type.TRUTH:
        if operator in WITHIN | ORDERED:
            raise bad("invalidFilter", f"{name.scim} is true or false: eq and ne compare it.")
        try:
            return truth(name.scim, value)
        except ScimError as error:
            raise bad("invalidFilter", error.detail) from None
    said = str(value).lower() if isinstance(value, bool) else str(value)
    if kind is Type.MOMENT:
        if operator in WITHIN:
            raise bad("invalidFilter", f"{name.scim} is a moment: it is earlier, later or the same.")
        return _moment(name.scim, said)
    if len(said) > LONGEST_TEXT:
        raise bad("invalidFilter", f"A value has at most {LONGEST_TEXT} characters.")
    return said


def _moment(name: str, said: str) -> str:
    try:
        found = datetime.fromisoformat(said)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise bad("invalidFilter", f"{name} is a moment, such as 2026-01-31T12:00:00Z.") from None


def _of_absent(made: Tree) -> Tree:
    return EVERYONE if _holds_of_nothing(made) else NOBODY


def _holds_of_nothing(made: Tree) -> bool:
    """Whether a tree holds where none of what it names is there: that equals no value, and so differs from each."""
    match made:
        case ["and", left, right]:
            return _holds_of_nothing(left) and _holds_of_nothing(right)
        case ["or", left, right]:
            return _holds_of_nothing(left) or _holds_of_nothing(right)
        case ["not", inner]:
            return not _holds_of_nothing(inner)
    return bool(made[0] == "ne")


def _folded(made: Tree) -> Tree:
    """The same tree without terms that everyone or nobody fits: the cell bounds and searches what is left."""
    match made:
        case ["not", inner]:
            found = _folded(inner)
            return EVERYONE if found == NOBODY else ["not", found]
        case ["and" | "or" as word, *sides]:
            decides, says_nothing = (NOBODY, EVERYONE) if word == "and" else (EVERYONE, NOBODY)
            left = [one for one in map(_folded, sides) if one != says_nothing]
            if decides in left:
                return decides
            return _balanced(word, left) if left else says_nothing
    return made


def _balanced(word: str, trees: list[Tree]) -> Tree:
    """A row of many as a tree that is as deep as its logarithm."""
    if len(trees) == 1:
        return trees[0]
    half = len(trees) // 2
    return [word, _balanced(word, trees[:half]), _balanced(word, trees[half:])]


def _below(path: tuple[str, ...], chosen: Tree) -> Tree:
    """A tree over the parts of a single value as one over the whole document."""
    match chosen:
        case ["and" | "or" as word, left, right]:
            return [word, _below(path, left), _below(path, right)]
        case ["not", inner]:
            return ["not", _below(path, inner)]
    operator, inner, *value = chosen
    return [operator, [*path, *inner], *value]
