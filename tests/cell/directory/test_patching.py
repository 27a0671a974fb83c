"""Patches against a simple model: random steps come to the same document, or to the same refusal."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cell.directory.patching import patched
from contracts.directory import Document, NoTarget, NotChangeable, Step, ValueRefused
from contracts.directory_schema import Resource
from tests.cell.directory.idp import step

# The model: attributes are dicts, values of emails are looked at one by one, all of it as plainly as can be said.
PLAIN = ["title", "nick_name"]
Refused = (NoTarget, NotChangeable, ValueRefused)


class Model:
    """A person, changed step by step."""

    def __init__(self, document: Document) -> None:
        self.document = copy.deepcopy(document)

    def take(self, one: Step) -> None:
        """Raises what the directory raises."""
        name, verb, value = one.path.attribute, one.verb.value, one.value
        if name == "created_at":
            raise NotChangeable
        if name in ("title", "user_name"):
            if one.path.some is not None:
                raise NoTarget
            if (
                verb != "remove"
                and value is not None
                and (not isinstance(value, str) or (name == "user_name" and not value))
            ):
                raise ValueRefused
            self._set(name, None if verb == "remove" else value)
        elif name == "name":
            self._name(one)
        else:
            self._emails(one)

    def _set(self, name: str, value: Any) -> None:
        if value is None or value in ({}, []):
            self.document.pop(name, None)
        else:
            self.document[name] = value

    def _name(self, one: Step) -> None:
        if one.path.some is not None:
            raise NoTarget
        held = dict(self.document.get("name", {}))
        if one.path.part:
            if one.verb.value == "remove" or one.value is None:
                held.pop(one.path.part, None)
            else:
                if not isinstance(one.value, str):
                    raise ValueRefused
                held[one.path.part] = one.value
        elif one.verb.value == "remove" or one.value is None:
            held = {}
        else:
            held |= _checked(one.value, ("formatted", "family", "given"))
        self._set("name", held)

    def _emails(self, one: Step) -> None:
        held: list[Document] = [dict(each) for each in self.document.get("emails", [])]
        some, part, verb = one.path.some, one.path.part, one.verb.value
        chosen = [each for each in held if some is None or _fits(some, each)]
        if verb == "remove":
            held = self._removed(held, chosen, one)
        elif some is None and not part:
            if verb == "replace":
                held = []
            for new in _values(one.value):
                same = next((each for each in held if "value" in new and _named(each, new)), None)
                if same is not None:
                    same.update(new)
                elif new not in held:
                    held.append(same := new)
                if same is not None:
                    _takes_primary(held, [same])
        else:
            said = _said(some)
            if not chosen and one.value is not None:
                if said is None:
                    raise NoTarget
                made = _checked(said, ("value", "type", "primary"))
                held.append(made)
                chosen = [made]
            elif not chosen and said is None:
                raise NoTarget
            for each in chosen:
                if part:
                    if one.value is None:
                        each.pop(part, None)
                    else:
                        each.update(_checked({part: one.value}, ("value", "type", "primary")))
                else:
                    new = _checked(one.value or {}, ("value", "type", "primary"))
                    kept = dict(each) if verb == "add" else (said or {})
                    each.clear()
                    each.update({**kept, **new})
            _takes_primary(held, chosen)
        self._set("emails", [each for each in held if each])

    def _removed(self, held: list[Document], chosen: list[Document], one: Step) -> list[Document]:
        if one.path.some is not None and not chosen:
            raise NoTarget
        if one.path.part:
            for each in chosen:
                each.pop(one.path.part, None)
            return held
        if one.path.some is None and one.value is not None:
            unwanted = _values(one.value)
            return [each for each in held if not any(_has(each, other) for other in unwanted)]
        return [each for each in held if not any(each is other for other in chosen)]


def _checked(value: Any, parts: tuple[str, ...]) -> Document:
    if not isinstance(value, dict):
        value = {"value": value}
    found = {}
    for name, inner in value.items():
        if inner is None:
            continue
        if name not in parts or not isinstance(inner, bool if name == "primary" else str):
            raise ValueRefused
        found[name] = inner
    return found


def _takes_primary(held: list[Document], touched: list[Document]) -> None:
    primary = [each for each in touched if each.get("primary") is True]
    if len({id(each) for each in primary}) > 1:
        raise ValueRefused
    for each in held:
        if primary and each is not primary[0] and each.get("primary") is True:
            each["primary"] = False


def _values(value: Any) -> list[Document]:
    several = [] if value is None else value if isinstance(value, list) else [value]
    found: list[Document] = []
    for each in several:
        new = _checked(each, ("value", "type", "primary"))
        if new and new not in found:
            found.append(new)
    if len([1 for each in found if each.get("primary") is True]) > 1:
        raise ValueRefused
    return found


def _low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _has(value: Document, named: Document) -> bool:
    return all(part in value and _low(value[part]) == _low(said) for part, said in named.items())


def _named(value: Document, new: Document) -> bool:
    return _has(value, {part: new[part] for part in ("value", "type") if part in new})


def _fits(tree: list[Any], value: Document) -> bool:
    match tree:
        case ["and", left, right]:
            return _fits(left, value) and _fits(right, value)
        case ["or", left, right]:
            return _fits(left, value) or _fits(right, value)
        case ["not", inner]:
            return not _fits(inner, value)
        case ["eq", [part], wanted]:
            return bool(_low(value.get(part)) == _low(wanted))
        case ["co", [part], wanted]:
            return str(wanted).lower() in str(value.get(part, "")).lower() if part in value else False
    raise AssertionError(tree)


def _said(tree: list[Any] | None) -> Document | None:
    match tree:
        case None:
            return {}
        case ["eq", [part], value]:
            return {part: value}
        case ["and", left, right]:
            first, second = _said(left), _said(right)
            if first is not None and second is not None and not set(first) & set(second):
                return first | second
    return None


ADDRESSES = st.sampled_from(["a@example.com", "A@example.com", "b@example.com"])
TYPES = st.sampled_from(["work", "Work", "home"])
EMAIL = st.fixed_dictionaries({}, optional={"value": ADDRESSES, "type": TYPES, "primary": st.booleans()})
SOME = st.one_of(
    TYPES.map(lambda one: ["eq", ["type"], one]),
    ADDRESSES.map(lambda one: ["eq", ["value"], one]),
    st.booleans().map(lambda one: ["eq", ["primary"], one]),
    st.tuples(TYPES, ADDRESSES).map(lambda two: ["and", ["eq", ["type"], two[0]], ["eq", ["value"], two[1]]]),
    st.tuples(TYPES, TYPES).map(lambda two: ["or", ["eq", ["type"], two[0]], ["eq", ["type"], two[1]]]),
    TYPES.map(lambda one: ["not", ["eq", ["type"], one]]),
    st.just(["co", ["value"], "EXAMPLE"]),
)
VERBS = st.sampled_from(["add", "replace", "remove"])
TEXT = st.sampled_from(["x", "y", None, 7, ""])
NOBODY = st.none()
EITHER = st.one_of(st.none(), SOME)
NAME = st.fixed_dictionaries({}, optional={"given": TEXT, "family": st.sampled_from(["x", None])})
NEW = st.one_of(st.none(), EMAIL, st.lists(EMAIL, max_size=3), ADDRESSES)


def steps_on(
    name: str, values: st.SearchStrategy[Any], some: st.SearchStrategy[Any] = NOBODY, part: str = ""
) -> st.SearchStrategy[Step]:
    return st.tuples(VERBS, values, some).map(lambda of: step(of[0], name, of[1], some=of[2], part=part))


STEPS = st.one_of(
    steps_on("title", TEXT),
    steps_on("user_name", TEXT),
    steps_on("name", st.one_of(st.none(), NAME)),
    steps_on("name", TEXT, part="given"),
    steps_on("emails", NEW),
    steps_on("emails", st.one_of(EMAIL, st.none()), SOME),
    steps_on("emails", st.one_of(ADDRESSES, st.none(), st.just(7)), EITHER, "value"),
    steps_on("emails", st.one_of(TYPES, st.none()), EITHER, "type"),
    steps_on("emails", st.booleans(), EITHER, "primary"),
    st.just(step("replace", "created_at", "2026-05-13T04:42:34Z")),
    st.just(step("replace", "title", "x", some=["eq", ["value"], "x"])),
)
DOCUMENTS = st.fixed_dictionaries(
    {"user_name": st.just("ada")},
    optional={
        "title": st.just("Countess"),
        "name": st.fixed_dictionaries({"given": st.just("Ada")}),
        "emails": st.lists(EMAIL.filter(bool), min_size=1, max_size=3).filter(
            lambda held: sum(1 for each in held if each.get("primary")) < 2
        ),
    },
)


@given(document=DOCUMENTS, steps=st.lists(STEPS, max_size=6))
@settings(max_examples=500)
def test_a_patch_comes_to_what_the_model_says(document: Document, steps: list[Step]) -> None:
    model, before = Model(document), copy.deepcopy(document)
    refused: type[Exception] | None = None
    try:
        for one in steps:
            model.take(one)
        if "user_name" not in model.document:
            raise ValueRefused
    except Refused as refusal:
        refused = type(refusal)
    try:
        after = patched(Resource.PERSON, document, steps)
    except Refused as refusal:
        assert type(refusal) is refused, (steps, refusal)
    else:
        assert refused is None, (steps, refused)
        assert after == model.document, steps
    assert document == before, "a patch leaves what it began with"


def test_what_a_value_took_from_others_stays_taken_when_a_later_one_of_the_same_step_says_otherwise() -> None:
    before: Document = {"user_name": "ada@example.com", "emails": [{"type": "work", "primary": True}]}
    said = [
        {"value": "b@example.com", "type": "work", "primary": True},
        {"value": "b@example.com", "type": "work", "primary": False},
    ]
    assert [one["primary"] for one in patched(Resource.PERSON, before, [step("add", "emails", said)])["emails"]] == [
        False,
        False,
    ]
