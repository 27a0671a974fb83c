"""What a request asks for: filter, order, page and what is shown of each; from the address, or from a search's body."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from contracts.directory import PAGE
from control_plane.scim.errors import bad
from control_plane.scim.names import Name, ResourceType
from control_plane.scim.values import Json

USUAL_COUNT = 100
_FURTHEST = 2**31 - 1
_NAMES = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")
_BY_LOWER = {one.lower(): one for one in _NAMES}


@dataclass(frozen=True)
class Query:
    """A question for several, or how an answer with one is shown."""

    filter: str = ""
    sort_by: str = ""
    descending: bool = False
    start: int = 1
    count: int = USUAL_COUNT
    attributes: str = ""
    excluded: str = ""

    def sorts(self, kind: ResourceType) -> bool:
        """Whether it can be sorted as asked: the kind has what is named."""
        return not self.sort_by or isinstance(kind.find(self.sort_by), Name)

    def order(self, kind: ResourceType) -> tuple[str, ...]:
        """Where the values to sort by stand. Raises ScimError."""
        if not self.sort_by:
            return ()
        found = kind.find(self.sort_by)
        if not isinstance(found, Name) or not found.path:
            raise bad("invalidValue", "sortBy names an attribute that is not there.")
        if found.parts:
            if "value" not in found.parts:
                raise bad("invalidValue", f"sortBy names a part of {found.scim}.")
            found = found.parts["value"]
        return found.path


def of_address(query: bytes) -> Query:
    """From the query string. Raises ScimError."""
    if not query.strip(b"?&"):
        return Query()
    found: dict[str, str] = {}
    for name, value in known(query):
        if name == "filter" and name in found:
            raise bad("invalidFilter", "There is one filter: join conditions with and, or.")
        found[name] = value
    return _query(found)


def known(query: bytes) -> list[tuple[str, str]]:
    """What a query string says by SCIM's names, decoded; whatever else stands there is nothing to us."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return [(_BY_LOWER[key.lower()], value) for key, value in pairs if key.lower() in _BY_LOWER]


def of_body(body: Json) -> Query:
    """From a SearchRequest. Raises ScimError."""
    if not isinstance(body, dict):
        raise bad("invalidSyntax", "A search is a JSON object.")
    found = {}
    for key, given in body.items():
        name = _BY_LOWER.get(key.lower())
        if name is None or given is None:
            continue
        of_names = name in {"attributes", "excludedAttributes"} and isinstance(given, list)
        value = ",".join(str(one) for one in given) if of_names else given
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise bad("invalidValue", f"{name} has another type.")
        found[name] = str(value)
    return _query(found)


def _query(found: Mapping[str, str]) -> Query:
    order = found.get("sortOrder", "").lower() or "ascending"
    if order not in {"ascending", "descending"}:
        raise bad("invalidValue", "sortOrder is ascending or descending.")
    if "filter" in found and not found["filter"].strip():  # it must not mean everyone
        raise bad("invalidFilter", "The filter is empty: leave it out to find all.")
    return Query(
        filter=found.get("filter", "").strip(),
        sort_by=found.get("sortBy", "").strip(),
        descending=order == "descending",
        start=max(1, _number(found, "startIndex", 1)),
        count=min(PAGE, max(0, _number(found, "count", USUAL_COUNT))),
        attributes=found.get("attributes", ""),
        excluded=found.get("excludedAttributes", ""),
    )


def _number(found: Mapping[str, str], name: str, usual: int) -> int:
    text = found.get(name, "").strip()
    if not text:
        return usual
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
    if not (digits.isascii() and digits.isdecimal()):
        raise bad("invalidValue", f"{name} is a whole number.")
    return sign * min(_FURTHEST, int(digits[:10])) if len(digits) < 20 else sign * _FURTHEST
