"""Documents as they are kept: every value of its attribute's type, nothing empty, what is compared normalised."""

import json
from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

from cell.people.service import normalised
from contracts.directory import LARGEST_DOCUMENT, Document, ValueRefused
from contracts.directory_schema import ATTRIBUTES, MOST_VALUES, PERSON, Attribute, Resource, Type, fits
from kit.mailboxes import domain_of
from kit.marking import N_

LONGEST_KEY = 512  # characters of what an index holds: four bytes each, and an entry takes 2,700
KEYS = ("user_name", "external_id", "display_name")  # in columns as `key` says, normalised
LONGEST_NAME = 120  # of a member
NO_ADDRESS = N_("A user name with an @ is one plain e-mail address, and none has signs that cannot be seen.")
_OWN_AFFAIR = {"home", "other"}  # types of e-mail that are a person's private ones


def taken(resource: Resource, document: Document) -> Document:
    """A document from outside as it is to be kept; what is settled is not looked at. Raises ValueRefused."""
    known, kept = ATTRIBUTES[resource], Document()
    for name, value in document.items():
        one = attribute_of(resource, name)
        if not one.settled and name != "members":
            put(kept, name, checked(name, one, value))
    for name, one in known.items():
        if one.required and name not in kept:
            raise refused(name)
    return kept


def stored(document: Document) -> str:
    """The document as JSON. Raises ValueRefused for one that is too large."""
    text = json.dumps(document, ensure_ascii=False)
    if len(text.encode()) > LARGEST_DOCUMENT:
        raise ValueRefused(f"All attributes of one together have at most {LARGEST_DOCUMENT} bytes.")
    return text


def attribute_of(resource: Resource, name: str) -> Attribute:
    """The attribute of that name. Raises ValueRefused."""
    found = ATTRIBUTES[resource].get(name)
    if found is None:
        raise refused(name)
    return found


def put(document: Document, name: str, value: object) -> None:
    """Set an attribute, or let it go where the value is nothing."""
    if value is None or value in ([], {}):
        document.pop(name, None)
    else:
        document[name] = value


def checked(name: str, one: Attribute, value: object) -> Any:
    """The value of an attribute as it is kept; None where it is nothing. Raises ValueRefused."""
    if value is None:
        return None
    if one.many:
        return checked_values(name, one, value)
    if one.type is Type.PARTS:
        return checked_parts(name, one, value)
    if not fits(one, value) or (one.required and not str(value).strip()):
        raise refused(name)
    if name in KEYS and len(str(value)) > LONGEST_KEY:
        raise refused(name)
    return _user_name(str(value)) if name == "user_name" else value


def _user_name(said: str) -> str:
    """As it is kept: it becomes the member's address, so what looks like one is a single plain one."""
    bare = said.strip() if said.isascii() else normalize("NFC", said.strip())
    if not bare.isprintable() or ("@" in bare and domain_of(bare) is None):
        raise refused("user_name", NO_ADDRESS)
    return bare


def checked_parts(name: str, one: Attribute, value: object) -> Document:
    """An object of parts, or what stands for its part `value`. Raises ValueRefused."""
    if not isinstance(value, dict):
        value = {"value": value}
    present = {part: inner for part, inner in value.items() if inner is not None}
    if not fits(one, present):
        raise refused(name)
    if name == "emails" and len(str(present.get("value", ""))) > LONGEST_KEY:
        raise refused(name)
    return present


def checked_values(name: str, one: Attribute, value: object) -> list[Document]:
    """Values of an attribute with several, of which one at most is primary. Raises ValueRefused."""
    several = value if isinstance(value, list) else [value]
    if len(several) > MOST_VALUES:
        raise refused(name, f"At most {MOST_VALUES} values.")
    found: list[Document] = []
    for each in several:
        parts = checked_parts(name, one, each)
        if parts and parts not in found:
            found.append(parts)
    if sum(1 for each in found if each.get("primary") is True) > 1:
        raise refused(name, "Only one value can be the primary one.")
    return found


def differing(before: Document, after: Document) -> list[str]:
    """The names of what is not the same in both."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def same_text(one: Attribute, left: object, right: object) -> bool:
    """Whether two values of an attribute are the same to it."""
    if isinstance(left, str) and isinstance(right, str) and not one.exact:
        return left.lower() == right.lower()
    return left == right


def refused(name: str, detail: str | None = None) -> ValueRefused:
    """The refusal of an attribute's value."""
    return ValueRefused(detail, attribute=name)


def emails(document: Document) -> list[str]:
    """The e-mail addresses of a person, as they are compared."""
    return sorted({normalised(one["value"]) for one in document.get("emails", []) if one.get("value")})


def at_work(document: Document) -> set[str]:
    """The addresses by which somebody belongs to the workspace: the user name, and e-mails but for private ones."""
    mails = {
        normalised(one["value"])
        for one in document.get("emails", [])
        if one.get("value") and (one.get("primary") or str(one.get("type", "")).lower() not in _OWN_AFFAIR)
    }
    return {one for one in {*mails, normalised(document["user_name"])} if "@" in one}


def name_of(document: Document) -> str:
    """What a member is called."""
    parts: Mapping[str, str] = document.get("name", {})
    both = " ".join(one for one in (parts.get("given", ""), parts.get("family", "")) if one)
    named = (document.get("display_name"), parts.get("formatted"), both, document.get("user_name"))
    return next(one.strip() for one in named if one and one.strip())[:LONGEST_NAME]


def key(document: Document, name: str) -> str | None:
    """A text as it is compared and indexed; None where there is none."""
    value = document.get(name)
    return None if value is None else value if PERSON[name].exact else normalised(value)
