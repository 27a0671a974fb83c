"""What a PATCH means to SCIM, on a resource as SCIM shows it: a model that knows neither documents nor steps.

An operation is made of words here and written as a client would, in this spelling or that; the model reads the words.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.control_plane.scim.world import CORE, ENTERPRISE

TEXTS = ("title", "nickName", "displayName")
NAMES = ("givenName", "familyName", "middleName")
WORK = ("department", "division")
KINDS = ("work", "home", "other")
PARTS = ("value", "display", "primary")
ADDRESSES = tuple(f"{letter}@example.com" for letter in "abcd")
MANAGERS = ("0b0f5a1c-1f0e-4f6e-9d5c-3f1b2a4c5d6e", "1b0f5a1c-1f0e-4f6e-9d5c-3f1b2a4c5d6e")


class Refused(Exception):
    """A 400 with this scimType."""

    def __init__(self, scim_type: str) -> None:
        super().__init__(scim_type)
        self.scim_type = scim_type


@dataclass(frozen=True)
class Path:
    """`attribute`, or some of its values, or a part. `chosen`: by type; `unlike`: by another type; `primary` too."""

    attribute: str
    part: str = ""
    chosen: str = ""
    unlike: bool = False
    primary: bool = False

    @property
    def text(self) -> str:
        """As a client writes it."""
        brackets = (
            f'[type {"ne" if self.unlike else "eq"} "{self.chosen}"{" and primary eq true" if self.primary else ""}]'
        )
        below = f".{self.part}" if self.part else ""
        return f"{self.attribute}{brackets if self.chosen else ''}{below}"

    def chooses(self, one: dict[str, Any]) -> bool:
        """Whether a value is meant."""
        fits = (one.get("type") != self.chosen) if self.unlike else (one.get("type") == self.chosen)
        return fits and (not self.primary or one.get("primary") is True)


@dataclass(frozen=True)
class Operation:
    """One of a PATCH. Without a path `value` is a list of paths and values."""

    op: str
    path: Path | None
    value: Any
    spelling: int = 0

    @property
    def json(self) -> dict[str, Any]:
        """As a client sends it."""
        said: dict[str, Any] = {"op": (self.op, self.op.capitalize(), self.op.upper())[self.spelling % 3]}
        if self.path is not None:
            core = ":" not in self.path.attribute and self.spelling % 2
            said["path"] = f"{CORE}:{self.path.text}" if core else self.path.text
            if self.value is not None or self.op != "remove":
                said["value"] = self.value
        elif self.value is not None:
            said["value"] = {path.text: value for path, value in self.value}
        return said


def patched(resource: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
    """The resource after all of them. Raises Refused, and nothing has changed then.

    What nobody could do is refused before what cannot be done to this resource.
    """
    changed = deepcopy(resource)
    for one in operations:
        _look(one)
    for one in operations:
        for path, value in [(one.path, one.value)] if one.path is not None else one.value:
            _take(changed, one.op, path, value)
    return changed


def _look(one: Operation) -> None:
    if one.path is None:
        if one.op == "remove":
            raise Refused("noTarget")
        return
    if one.path.attribute == "nope":
        raise Refused("invalidPath")
    if one.path.attribute in {"id", "meta.created"} or (
        one.op == "remove" and one.path.attribute in {"active", "userName"}
    ):
        raise Refused("mutability")


def _take(resource: dict[str, Any], op: str, path: Path, value: Any) -> None:
    if value in (None, "") and op != "remove":
        if op == "add" or path.attribute == "active":
            return
        op = "remove"
        value = None
    match path.attribute:
        case "active":
            resource["active"] = value if isinstance(value, bool) else value.lower() == "true"
        case "emails":
            _take_values(resource, op, path, value)
        case "name":
            _take_parts(resource, "name", op, {path.part: value} if path.part else value)
        case attribute if attribute == ENTERPRISE:
            _take_parts(resource, ENTERPRISE, op, value)
        case attribute if attribute.startswith(ENTERPRISE):
            own = attribute.removeprefix(f"{ENTERPRISE}:")
            _take_parts(resource, ENTERPRISE, op, {own: {"value": value} if own == "manager" and value else value})
        case attribute:
            _take_parts(resource, "", op, {attribute: value})


def _take_parts(resource: dict[str, Any], above: str, op: str, parts: dict[str, Any] | None) -> None:
    held = resource.setdefault(above, {}) if above else resource
    if op == "remove" and parts is None:
        held.clear()
    for name, value in (parts or {}).items():
        if op != "remove" and value not in (None, ""):
            held[name] = value
        elif op != "add":
            held.pop(name, None)
    if above and not held:
        del resource[above]


def _take_values(resource: dict[str, Any], op: str, path: Path, value: Any) -> None:
    held: list[dict[str, Any]] = resource.setdefault("emails", [])
    if path.chosen:
        _take_chosen(held, op, path, value)
    elif op == "remove":
        held[:] = [
            one for one in held if value is not None and not any(given.items() <= one.items() for given in value)
        ]
    else:
        if op == "replace":
            held.clear()
        for given in _one_primary(value):
            _add(held, given)
    if not held:
        del resource["emails"]


def _take_chosen(held: list[dict[str, Any]], op: str, path: Path, value: Any) -> None:
    chosen = [one for one in held if path.chooses(one)]
    if op == "remove":
        if not chosen:
            raise Refused("noTarget")
        for one in chosen:
            if path.part in ("", "value"):
                held[:] = [other for other in held if other is not one]
            else:
                one.pop(path.part, None)
        return
    if not chosen:
        if path.unlike:
            raise Refused("noTarget")
        chosen = [{"type": path.chosen, **({"primary": True} if path.primary else {})}]
        held += chosen
    for one in chosen:
        one[path.part] = value
    _make_primary(held, chosen)


def _add(held: list[dict[str, Any]], given: dict[str, Any]) -> None:
    same = next(
        (one for one in held if all(one.get(part) == given.get(part) for part in ("value", "type") if part in given)),
        None,
    )
    if same is None:
        same = {}
        held.append(same)
    same.update(given)
    _make_primary(held, [same])


def _one_primary(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen, made = False, []
    for one in values:
        made.append({**one, "primary": False} if one.get("primary") and seen else dict(one))
        seen = seen or bool(one.get("primary"))
    return made


def _make_primary(held: list[dict[str, Any]], touched: list[dict[str, Any]]) -> None:
    primary = [one for one in touched if one.get("primary") is True]
    if len(primary) > 1:
        raise Refused("invalidValue")
    for one in held:
        if primary and one is not primary[0] and one.get("primary") is True:
            one["primary"] = False


_text = st.sampled_from(["x", "Y y", "ünï", "", None, "O'Malley", 'a"b', "%_"])
_some_text = st.sampled_from(["x", "Y y", "ünï", "O'Malley", 'a"b', "%_"])
_op = st.sampled_from(["add", "replace", "remove"])
_set = st.sampled_from(["add", "replace"])
_email = st.fixed_dictionaries(
    {"value": st.sampled_from(ADDRESSES), "type": st.sampled_from(KINDS)},
    optional={"primary": st.booleans(), "display": _some_text},
)


def _valued(paths: st.SearchStrategy[Path], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return st.builds(Operation, _op, paths, values, st.integers(0, 5)).map(
        lambda one: Operation("remove", one.path, None, one.spelling) if one.op == "remove" else one
    )


def _part(part: str) -> st.SearchStrategy[Any]:
    return {"value": st.sampled_from(ADDRESSES), "display": _text, "primary": st.booleans()}[part]


_chosen = st.builds(
    Path, st.just("emails"), st.sampled_from(PARTS), st.sampled_from(KINDS), st.booleans(), st.just(False)
)
_both = st.builds(Path, st.just("emails"), st.just("display"), st.sampled_from(KINDS), st.just(False), st.just(True))
_simple = st.one_of(
    st.tuples(st.sampled_from(TEXTS).map(Path), _text),
    st.tuples(st.sampled_from(NAMES).map(lambda name: Path("name", name)), _text),
    st.tuples(st.sampled_from(WORK).map(lambda name: Path(f"{ENTERPRISE}:{name}")), _text),
    st.tuples(st.just(Path("active")), st.sampled_from([True, False, "True", "false", "FALSE"])),
    st.tuples(st.just(Path("emails")), st.lists(_email, min_size=1, max_size=3)),
    st.tuples(st.just(Path(ENTERPRISE)), st.dictionaries(st.sampled_from(WORK), _text, min_size=1)),
    st.tuples(st.just(Path("name")), st.dictionaries(st.sampled_from(NAMES), _text, min_size=1)),
)
_pathless = st.builds(
    lambda op, pairs, spelling: Operation(op, None, pairs, spelling),
    _set,
    st.lists(_simple, min_size=1, max_size=4, unique_by=lambda pair: pair[0].text),
    st.integers(0, 5),
)
operations = st.one_of(
    st.builds(lambda op, pair, spelling: Operation(op, pair[0], pair[1], spelling), _set, _simple, st.integers(0, 5)),
    _valued(st.sampled_from([*TEXTS, *(f"{ENTERPRISE}:{one}" for one in WORK)]).map(Path), _text),
    _valued(st.sampled_from([Path("emails"), Path("name"), Path(ENTERPRISE), Path("active")]), st.just(None)).filter(
        lambda one: one.op == "remove"
    ),
    st.builds(
        lambda values, spelling: Operation("remove", Path("emails"), values, spelling),
        st.lists(st.fixed_dictionaries({"value": st.sampled_from(ADDRESSES)}), min_size=1, max_size=2),
        st.integers(0, 5),
    ),
    _chosen.flatmap(lambda path: _valued(st.just(path), _part(path.part))),
    st.builds(lambda kind: Operation("remove", Path("emails", "", kind), None), st.sampled_from(KINDS)),
    _valued(_both, _some_text),
    _valued(st.just(Path(f"{ENTERPRISE}:manager")), st.sampled_from([*MANAGERS, "", None])),
    _pathless,
    st.sampled_from(
        [
            Operation("replace", Path("nope"), "x"),
            Operation("replace", Path("id"), "x"),
            Operation("add", Path("meta.created"), "x"),
            Operation("remove", Path("userName"), None),
            Operation("remove", None, None),
        ]
    ),
)
patches = st.lists(st.lists(operations, min_size=1, max_size=4), min_size=1, max_size=5)
