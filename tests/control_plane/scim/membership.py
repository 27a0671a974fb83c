"""What a PATCH of a group's members means: a set of people. They are numbers here; their ids come when it is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.control_plane.scim.semantics import Refused

PEOPLE = 3  # whom there is; whoever comes after them nobody knows
NOBODY, NO_ID = PEOPLE, PEOPLE + 1  # an id that nobody has, and a text that is none

Written = Callable[[int], str]  # a number's id
# What says of nobody who they are.
WRONG: list[Any] = [
    *([{}], [""], [None], [[]], {}, {"value": ""}, [{"value": None}]),
    *([{"display": "x"}], [{"type": "User"}], True, [False], {"value": {"a": 1}}),
]


@dataclass(frozen=True)
class All:
    """Everybody is removed, in the only way to say so but for an empty list that replaces."""

    spelling: int = 0

    named = frozenset[int]()

    def json(self, id_of: Written) -> dict[str, Any]:
        """As a client sends it."""
        return {"op": _op("remove", self.spelling), "path": _PATHS[self.spelling % len(_PATHS)]}

    def take(self, members: set[int]) -> None:
        """Raises Refused."""
        members.clear()


@dataclass(frozen=True)
class Listed:
    """These, at the path `members` or without a path."""

    op: str
    who: Sequence[int]
    spelling: int = 0

    @property
    def named(self) -> frozenset[int]:
        """Whose ids it writes."""
        return frozenset(self.who)

    def json(self, id_of: Written) -> dict[str, Any]:
        """As a client sends it."""
        return _whole(self.op, _value([id_of(one) for one in self.who], self.spelling), self.spelling)

    def take(self, members: set[int]) -> None:
        """Raises Refused."""
        if self.op == "remove":
            members.difference_update(self.who)
            return
        if self.op == "replace":
            members.clear()
        members.update(self.who)


@dataclass(frozen=True)
class Unsaid:
    """A value that names nobody, or is none."""

    op: str
    value: Any
    spelling: int = 0

    named = frozenset[int]()

    def json(self, id_of: Written) -> dict[str, Any]:
        """As a client sends it."""
        return _whole(self.op, self.value, self.spelling)

    def take(self, members: set[int]) -> None:
        """Nothing is added as nothing; nobody is let go by what does not say so. Raises Refused."""
        if self.op != "add" or self.value not in (None, ""):
            raise Refused("invalidValue")


@dataclass(frozen=True)
class Chosen:
    """Whom brackets name; `value` names somebody too, the same where it is taken, or is none."""

    op: str
    who: Sequence[int]
    part: str = ""
    value: Sequence[int] = ()
    spelling: int = 0

    @property
    def named(self) -> frozenset[int]:
        """Whose ids it writes."""
        return frozenset(self.who)

    def json(self, id_of: Written) -> dict[str, Any]:
        """As a client sends it."""
        brackets = " or ".join(f'value eq "{id_of(one)}"' for one in self.who)
        said = {"op": _op(self.op, self.spelling), "path": f"members[{brackets}]{self.part}"}
        value = _value([id_of(one) for one in self.value], self.spelling)
        return {**said, "value": value} if self.value and self.op != "remove" else said

    def take(self, members: set[int]) -> None:
        """Raises Refused."""
        if self.part not in ("", ".value"):
            raise Refused("mutability")
        if self.op == "remove":
            members.difference_update(self.who)
            return
        if self.op == "replace" and not self.value:
            raise Refused("invalidValue")
        if self.value and set(self.value) != set(self.who):
            raise Refused("mutability")
        members.update(self.who)


@dataclass(frozen=True)
class Nowhere:
    """A path that says of nobody who they are."""

    op: str
    path: str
    scim_type: str

    named = frozenset[int]()

    def json(self, id_of: Written) -> dict[str, Any]:
        """As a client sends it."""
        return {"op": self.op, "path": self.path, "value": [{"value": id_of(0)}]}

    def take(self, members: set[int]) -> None:
        """Raises Refused."""
        raise Refused(self.scim_type)


Operation = All | Listed | Unsaid | Chosen | Nowhere


def patched(members: set[int], operations: Sequence[Operation]) -> set[int]:
    """Who is a member after all of them. Raises Refused, and nothing has changed then."""
    left = set(members)
    for one in operations:
        one.take(left)
    if NOBODY in left or any(NO_ID in one.named for one in operations):
        raise Refused("invalidValue")
    return left


_PATHS = ("members", "Members", "urn:ietf:params:scim:schemas:core:2.0:Group:members")


def _op(op: str, spelling: int) -> str:
    return (op, op.capitalize(), op.upper())[spelling % 3]


def _whole(op: str, value: Any, spelling: int) -> dict[str, Any]:
    if op != "remove" and spelling % 2:
        return {"op": _op(op, spelling), "value": {"members": value}}
    return {"op": _op(op, spelling), "path": _PATHS[spelling % len(_PATHS)], "value": value}


def _value(ids: list[str], spelling: int) -> Any:
    """One may stand without a list, an id without an object, and more in the object than is looked at."""
    if spelling % 5 == 0:
        return ids
    listed = [{"$ref": None, "value": one, "display": "x"} if spelling % 5 == 1 else {"value": one} for one in ids]
    return listed[0] if len(listed) == 1 and spelling % 5 == 2 else listed


_op_of = st.sampled_from(["add", "replace", "remove"])
_spelling = st.integers(0, 29)
_who = st.one_of(st.integers(0, PEOPLE - 1), st.integers(0, NO_ID))  # mostly those whom there is
operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Listed, _op_of, st.lists(_who, max_size=3), _spelling),
    st.builds(Listed, _op_of, st.lists(st.integers(0, PEOPLE - 1), min_size=1, max_size=3), _spelling),
    st.builds(Chosen, _op_of, st.lists(_who, min_size=1, max_size=2), st.sampled_from(["", ".value"])),
    _who.flatmap(lambda one: st.builds(Chosen, _op_of, st.just([one]), st.just(""), st.just([one]), _spelling)),
    st.builds(
        Chosen,
        _op_of,
        st.lists(_who, min_size=1, max_size=2),
        st.sampled_from(["", ".display", ".type"]),
        st.lists(_who, max_size=2),
        _spelling,
    ),
    st.builds(Unsaid, _op_of, st.sampled_from([None, "", *WRONG]), _spelling),
    st.builds(All, _spelling),
    st.builds(
        Nowhere,
        _op_of,
        st.sampled_from(['members[type eq "User"]', "members[value pr]", 'members[not (value eq "x")].value']),
        st.just("noTarget"),
    ),
    st.builds(Nowhere, _op_of, st.sampled_from(["members.value", "members.display"]), st.just("invalidPath")),
)
patches = st.lists(st.lists(operations, min_size=1, max_size=3), min_size=1, max_size=4)
members = st.sets(st.integers(0, PEOPLE - 1))
