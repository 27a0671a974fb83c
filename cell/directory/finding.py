"""A search as one SQL statement: who asks, a page of items as JSON, and how many there are.

Names, ids and addresses are compared in columns that are normalised and indexed; all else in the document.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BindParameter,
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from cell.directory import statements
from cell.directory.models import Address, Entry, Group, Membership, ProvisioningToken
from cell.directory.shapes import Shape, Values, apart, attribute, by_address, path_of, shape
from cell.directory.values import KEYS
from cell.people.models import Person
from contracts.directory import Find
from contracts.directory_schema import ATTRIBUTES, Resource, Type
from kit.tenancy import in_scope

Condition = ColumnElement[bool]
_DIALECT: Any = asyncpg_dialect()  # type: ignore[no-untyped-call]
_ANSWER = "SELECT ARRAY[token_id::text, total::text, items] FROM ({}) found"
_NUMBERED = "v"  # parameters that are values of the tree: v0, v1, ...


@dataclass(frozen=True)
class _Made:
    """SQL text, its parameters in order, and those of them that are always the same."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, object]


def statement(said: Find) -> tuple[str, list[object]]:
    """The statement of a search and its values; it answers with three texts: who asks, how many there are, the items.

    Raises ValueRefused for a tree that says nothing about the resource."""
    values = Values()
    wanted = None if said.tree is None else shape(said.resource, said.tree, values)
    sort = path_of(said.resource, list(said.sort_by), valued=True) if said.sort_by else None
    made = _made(said.resource, wanted, sort, said.descending, said.members)
    own = {
        "workspace": said.workspace_id,
        "digest": bytes.fromhex(said.credential),
        "skip": said.start - 1,
        "most": said.count,
    }
    numbered = {f"{_NUMBERED}{number}": value for number, value in enumerate(values.found)}
    known = {**made.constants, **own, **numbered}
    return made.text, [known[name] for name in made.names]


@lru_cache(maxsize=500)
def _made(
    resource: Resource, wanted: Shape | None, sort: tuple[str, str] | None, descending: bool, members: bool
) -> _Made:
    row = _Row(resource)
    chosen = and_(row.d.c.workspace_id == _workspace(), true() if wanted is None else row.fits(wanted))
    page = row.page(chosen, sort, descending)
    members = members and resource is Resource.GROUP
    on_page = select(func.count()).select_from(page).scalar_subquery()
    # The rows are counted again only where the page does not say it.
    all_of_it = select(func.count()).select_from(row.d).where(chosen).scalar_subquery()
    total = case((and_(_skip() == 0, on_page < _most()), on_page), else_=all_of_it)
    whole = select(_token(), _items(resource, page, members).label("items"), total.label("total"))
    compiled = whole.compile(dialect=_DIALECT)
    names = tuple(compiled.positiontup or ())
    return _Made(in_scope(_ANSWER.format(compiled), names.index("workspace") + 1), names, compiled.params)


class _Row:
    """A row of the table that is searched."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.d = _table(Entry if resource is Resource.PERSON else Group).alias()

    def page(self, chosen: Condition, sort: tuple[str, str] | None, descending: bool) -> CTE:
        """The rows of a page, each with its place."""
        keys: list[ColumnElement[Any]] = [self.d.c.created_at, self.d.c.id]
        if sort is not None:
            keys.insert(0, self._sorted_by(*sort))
        if descending:
            keys = [key.desc() for key in keys]
        found = select(self.d).where(chosen).order_by(*keys).offset(_skip()).limit(_most()).subquery("found")
        return select(found, func.row_number().over().label("place")).cte("page")

    def _sorted_by(self, name: str, part: str) -> ColumnElement[Any]:
        if name == "active":
            return self._active()
        one = attribute(self.resource, name, part)
        if one.type is Type.MOMENT:
            return self.d.c[name]
        text = self._text(name, part)
        return (text if one.exact else func.lower(text)).collate("C")

    def fits(self, wanted: Shape) -> Condition:
        """Whether the row has the shape."""
        return _composed(apart(wanted), self._leaf)

    def ids(self, wanted: Shape) -> Select[UUID]:
        """The ids of the rows that have the shape."""
        return select(self.d.c.id).where(self.d.c.workspace_id == _workspace(), self.fits(wanted))

    def _leaf(self, wanted: Shape) -> Condition:
        match wanted:
            case ("any", *several):
                return self.d.c.id.in_(union(*(_Row(self.resource).ids(one) for one in several)))
            case ("some", name, inner):
                return self._some(name, inner)
            case ("pr", name, part):
                return self._present(name, part)
        return self._compared(*wanted)

    def _compared(self, verb: str, name: str, part: str, number: int) -> Condition:
        one = ATTRIBUTES[self.resource][name]
        if name == "active":
            return self._is_active(_value(number, Boolean()))
        if one.type is Type.MOMENT:
            return _ordered(verb, self.d.c[name], _value(number, DateTime(timezone=True)))
        if name == "id" and verb == "eq":
            return self.d.c.id == _value(number, Uuid())
        if one.many:
            return self._some(name, (verb, name, part, number))
        found = self._text(name, part)
        normal = attribute(self.resource, name, part).exact or (name in KEYS and not part)
        return _texts(verb, found if normal else func.lower(found), number)

    def _some(self, name: str, inner: Shape) -> Condition:
        """Whether one value of an attribute has the whole shape."""
        if name == "members":
            return self._member(inner)
        if name == "groups":
            return self._of_group(inner)
        if not ATTRIBUTES[self.resource][name].many:
            return self._parts(inner, self.d.c.document.op("->", return_type=JSONB())(_name(name)))
        addresses = [self._has_address(one) for one in by_address(inner)]
        if name == "emails" and inner[0] == "eq" and addresses:
            return addresses[0]
        values = func.jsonb_array_elements(self.d.c.document.op("->")(_name(name))).table_valued(
            column("value", JSONB()), name="one"
        )
        held = exists().select_from(values).where(self._parts(inner, values.c.value))
        return and_(*addresses, held)  # the index says who comes into question, the document whether it is so

    def _parts(self, wanted: Shape, value: ColumnElement[Any]) -> Condition:
        """Whether one value, as JSON, has the shape."""

        def leaf(one: Shape) -> Condition:
            if one[0] == "pr":
                return func.coalesce(_text_of(value, one[2]), "") != ""
            verb, name, part, number = one
            kind, found = attribute(self.resource, name, part), _text_of(value, part)
            if kind.type is Type.TRUTH:
                return cast(found, Boolean()) == _value(number, Boolean())
            return _texts(verb, found if kind.exact else func.lower(found), number)

        return _composed(wanted, leaf)

    def _present(self, name: str, part: str) -> Condition:
        if name in ("id", "active", "created_at", "changed_at"):
            return true()
        if name == "members":
            return self._member(None)
        if name == "groups":
            return self._of_group(None)
        if ATTRIBUTES[self.resource][name].many and part:
            return self._some(name, ("pr", name, part))
        if part or ATTRIBUTES[self.resource][name].parts is None:
            return func.coalesce(self._text(name, part), "") != ""
        return self.d.c.document.op("->")(_name(name)).is_not(None)

    def _is_active(self, wanted: ColumnElement[bool]) -> Condition:
        person = _table(Person).alias("a")
        return exists().where(
            person.c.workspace_id == self.d.c.workspace_id, person.c.id == self.d.c.id, person.c.active == wanted
        )

    def _active(self) -> ColumnElement[bool]:
        """Whether the person is active, as a value."""
        person = _table(Person).alias("a")
        of = and_(person.c.workspace_id == self.d.c.workspace_id, person.c.id == self.d.c.id)
        return select(person.c.active).where(of).correlate(self.d).scalar_subquery()

    def _has_address(self, number: int) -> Condition:
        address = _table(Address).alias("e")
        found = select(address.c.person_id).where(
            address.c.workspace_id == _workspace(), address.c.value_norm == _value(number, Text())
        )
        # As an array, which is made once before: beside an OR the indexes of both serve, with IN neither does.
        return self.d.c.id == func.any(func.array(found.scalar_subquery()))

    def _member(self, wanted: Shape | None) -> Condition:
        row, person = _table(Membership).alias("m"), _table(Person).alias("mp")
        return self._among(row, row.c.group_id, wanted, row.c.member_id, person, person.c.name)

    def _of_group(self, wanted: Shape | None) -> Condition:
        row, group = _table(Membership).alias("m"), _table(Group).alias("g")
        name = group.c.document.op("->>")(_name("display_name"))
        return self._among(row, row.c.member_id, wanted, row.c.group_id, group, name)

    def _among(
        self,
        row: FromClause,
        ids: ColumnElement[UUID],
        wanted: Shape | None,
        value: ColumnElement[UUID],
        other: FromClause,
        display: ColumnElement[Any],
    ) -> Condition:
        """Whether this is one of the `ids` of rows of members that have the shape; `other` is who or what they name."""
        found = select(ids).where(row.c.workspace_id == _workspace())
        if wanted is not None:
            found = found.where(self._of_row(wanted, {"value": value, "display": display}))
            if wanted[0] != "eq" or wanted[2] != "value":  # else it is asked of the row alone, which needs no other
                of = and_(other.c.workspace_id == row.c.workspace_id, other.c.id == value)
                found = found.join(other, of)
        return self.d.c.id.in_(found)

    def _of_row(self, wanted: Shape, parts: Mapping[str, ColumnElement[Any]]) -> Condition:
        """The same as `_parts` where the value is a row of members, and its parts are columns."""

        def leaf(one: Shape) -> Condition:
            part = one[2]
            if one[0] == "pr" or part not in parts:
                return true() if part in ("", *parts) else false()
            if one[0] == "eq" and part == "value":
                return parts["value"] == _value(one[3], Uuid())
            found = cast(parts[part], Text())
            return _texts(one[0], func.lower(found) if part == "display" else found, one[3])

        return _composed(wanted, leaf)

    def _column(self, name: str) -> Any:
        """The normalised column of a text, if the table has one."""
        return {
            "user_name": self.d.c.get("user_name_norm"),
            "external_id": self.d.c.external_id,
            "display_name": self.d.c.display_name_norm,
        }[name]

    def _text(self, name: str, part: str) -> ColumnElement[Any]:
        """An attribute as text; of several values the primary one, or else the first."""
        if name == "id":
            return cast(self.d.c.id, Text())
        if name in KEYS and not part:
            return self._column(name)  # type: ignore[no-any-return]
        value: ColumnElement[Any] = self.d.c.document.op("->", return_type=JSONB())(_name(name))
        if ATTRIBUTES[self.resource][name].many:
            primary = func.jsonb_path_query_first(value, literal_column("'$[*] ? (@.primary == true)'"))
            value = func.coalesce(primary, value.op("->", return_type=JSONB())(literal_column("0")))
        return _text_of(value, part)


def _composed(wanted: Shape, leaf: Callable[[Shape], Condition]) -> Condition:
    """A shape as a condition, once it is known what its leaves are."""
    match wanted:
        case ("never",):
            return false()
        case ("and", left, right):
            return and_(_composed(left, leaf), _composed(right, leaf))
        case ("or", left, right):
            return or_(_composed(left, leaf), _composed(right, leaf))
        case ("not", inner):
            return not_(func.coalesce(_composed(inner, leaf), false()))  # what is absent does not fit
    return leaf(wanted)


def _items(resource: Resource, page: CTE, members: bool) -> ColumnElement[str]:
    """The items of the page, in order, as JSON."""
    item: ColumnElement[str] = literal_column(
        statements.GROUP_ITEM_WITH_MEMBERS if members else _ITEMS[resource], Text()
    )
    ordered = func.string_agg(item, literal_column("',' ORDER BY d.place", Text()))
    row = page.alias("d")
    found = select(func.concat(literal_column("'['"), ordered, literal_column("']'"))).select_from(row)
    if members:
        found = found.where(row.c.place <= literal_column(statements.GROUPS_SHOWN, Integer()))
    return found.scalar_subquery()


_ITEMS = {Resource.PERSON: statements.LISTED_PERSON_ITEM, Resource.GROUP: statements.GROUP_ITEM}


def _token() -> ColumnElement[Any]:
    token = _table(ProvisioningToken).alias("c")
    return (
        select(token.c.id)
        .where(
            token.c.workspace_id == _workspace(),
            token.c.digest == bindparam("digest", type_=LargeBinary()),
            literal_column(statements.LIVES, Boolean()),
        )
        .scalar_subquery()
        .label("token_id")
    )


def _ordered(verb: str, found: ColumnElement[Any], wanted: ColumnElement[Any]) -> Condition:
    match verb:
        case "eq":
            return found == wanted
        case "gt":
            return found > wanted
        case "ge":
            return found >= wanted
        case "lt":
            return found < wanted
        case _:
            return found <= wanted


def _texts(verb: str, found: ColumnElement[Any], number: int) -> Condition:
    """A comparison of texts, by code points."""
    wanted = _value(number, Text())
    if verb == "like":
        return found.like(wanted, escape="\\")
    return found == wanted if verb == "eq" else _ordered(verb, found.collate("C"), wanted)


def _text_of(value: ColumnElement[Any], part: str) -> ColumnElement[Any]:
    if part:
        return value.op("->>", return_type=Text())(_name(part))
    return value.op("#>>", return_type=Text())(literal_column("'{}'"))


def _name(name: str) -> ColumnElement[str]:
    """A name of the schema, in the text of the statement, so that one shape is one plan."""
    return literal_column(f"'{name}'", Text())


def _value(number: int, kind: Any) -> BindParameter[Any]:
    return bindparam(f"{_NUMBERED}{number}", type_=kind)


def _workspace() -> BindParameter[Any]:
    return bindparam("workspace", type_=Uuid())


def _skip() -> BindParameter[int]:
    return bindparam("skip", type_=Integer())


def _most() -> BindParameter[int]:
    return bindparam("most", type_=Integer())


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found
