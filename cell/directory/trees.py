"""Trees over the values of one attribute, as a path of a change chooses among them (contracts/directory.py)."""

from collections.abc import Mapping
from datetime import datetime

from contracts.directory import DEEPEST_TREE, FITS, ORDERED, WITHIN, Document, Tree, ValueRefused
from contracts.directory_schema import Attribute, Type

COMPARISONS = {"eq", "ne", *ORDERED, *WITHIN}


def holds(tree: Tree, value: Document, parts: Mapping[str, Attribute], depth: int = 0) -> bool:
    """Whether one value has what the tree says. Raises ValueRefused for a tree that says nothing about such values."""
    if depth > DEEPEST_TREE:
        raise ValueRefused("The condition is nested too deeply.")
    match tree:
        case ["and", list() as left, list() as right]:
            both = (holds(left, value, parts, depth + 1), holds(right, value, parts, depth + 1))
            return all(both)
        case ["or", list() as left, list() as right]:
            both = (holds(left, value, parts, depth + 1), holds(right, value, parts, depth + 1))
            return any(both)
        case ["not", list() as inner]:
            return not holds(inner, value, parts, depth + 1)
        case ["pr", [str() as part]] if part in parts:
            return value.get(part) not in (None, "")
        case [str() as verb, [str() as part], wanted] if part in parts and verb in COMPARISONS:
            return compared(verb, parts[part], value.get(part), wanted)
    raise ValueRefused("The condition cannot be used.")


def compared(verb: str, one: Attribute, actual: object, wanted: object) -> bool:
    """Whether a comparison holds; what is absent equals null and nothing else. Raises ValueRefused."""
    wanted = operand(verb, one, wanted)
    left, right = folded(one, actual), folded(one, wanted)
    if verb in {"eq", "ne"}:
        return (left == right) is (verb == "eq")
    if not (isinstance(left, str) and isinstance(right, str)):
        return False
    return FITS[verb](left, right)


def operand(verb: str, one: Attribute, wanted: object) -> object:
    """What an attribute is compared with, if it can be compared so. Raises ValueRefused."""
    if wanted is None and verb in {"eq", "ne"}:
        return None
    if one.type is Type.TRUTH and isinstance(wanted, bool) and verb in {"eq", "ne"}:
        return wanted
    if one.type is Type.TEXT and isinstance(wanted, str) and "\0" not in wanted:
        return wanted
    if one.type is Type.MOMENT and isinstance(wanted, str) and verb not in WITHIN:
        return moment(wanted)
    raise ValueRefused("The condition compares with a value of another type.")


def moment(text: str) -> datetime:
    """A moment as ISO 8601 writes it. Raises ValueRefused."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueRefused("A moment has a date, a time and a zone, such as 2026-05-13T04:42:34Z.")
    return found


def folded(one: Attribute, value: object) -> object:
    """A value as it is compared."""
    return value.lower() if isinstance(value, str) and not one.exact else value


def said_by(tree: Tree | None) -> Document | None:
    """The value that a tree describes, if it says nothing but what equals what; nothing at all describes any."""
    match tree:
        case None:
            return {}
        case ["eq", [str() as part], value] if value is not None:
            return {part: value}
        case ["and", list() as left, list() as right]:
            first, second = said_by(left), said_by(right)
            if first is not None and second is not None and not first.keys() & second.keys():
                return first | second
    return None
