"""Attributes and their values in the words of whoever administers a workspace, for pages."""

from collections.abc import Mapping

from cell.ui import pages
from contracts.directory import Document
from kit.marking import N_

# By our name, or by attribute and part.
NAMES: Mapping[str, str] = {
    "id": N_("ID"),
    "external_id": N_("External ID"),
    "user_name": N_("User name"),
    "name": N_("Name"),
    "name.formatted": N_("Full name"),
    "name.given": N_("Given name"),
    "name.middle": N_("Middle name"),
    "name.family": N_("Family name"),
    "name.prefix": N_("Title before the name"),
    "name.suffix": N_("Suffix after the name"),
    "display_name": N_("Display name"),
    "nick_name": N_("Nickname"),
    "profile_url": N_("Profile page"),
    "title": N_("Job title"),
    "user_type": N_("Type of user"),
    "language": N_("Language"),
    "locale": N_("Locale"),
    "timezone": N_("Time zone"),
    "active": N_("Active"),
    "emails": N_("E-mail addresses"),
    "phones": N_("Phone numbers"),
    "addresses": N_("Addresses"),
    "roles": N_("Roles there"),
    "entitlements": N_("Entitlements"),
    "groups": N_("Groups"),
    "members": N_("Members"),
    "employee_number": N_("Employee number"),
    "cost_center": N_("Cost center"),
    "organization": N_("Organization"),
    "division": N_("Division"),
    "department": N_("Department"),
    "manager": N_("Manager"),
}


def named(attribute: str) -> str:
    """What an attribute is called; as it came where it is none of ours."""
    return pages.gettext(NAMES[attribute]) if attribute in NAMES else attribute


def meant(text: str) -> list[str]:
    """The attributes whose names, as they are shown, hold a text."""
    wanted = text.casefold()
    return [one for one, name in NAMES.items() if wanted and wanted in pages.gettext(name).casefold()]


def changed(detail: str) -> str:
    """What a line of the log says was changed, such as `display_name, members +1 -0`."""
    words = [one.partition(" ") for one in detail.split(", ")]
    return ", ".join(f"{named(name)}{space}{rest}" for name, space, rest in words)


def described(document: Document) -> dict[str, str]:
    """What a person or a group has, in the order of the table: what it is called, and its value."""
    lines: dict[str, str] = {}
    for name in NAMES:
        own, _, part = name.partition(".")
        value = document.get(own)
        if own == "name":
            value = (value or {}).get(part) if part else None
        if value not in (None, "", [], {}):
            lines[name] = _said(value)
    return lines


def _said(value: object) -> str:
    match value:
        case bool():
            return pages.gettext("Yes") if value else pages.gettext("No")
        case list():
            return ", ".join(_said(one) for one in value)
        case dict():
            return _said_parts(value)
    return str(value)


def _said_parts(parts: Document) -> str:
    """`ada@example.com (work, primary)`; a reference by the name it comes with, an address by its lines."""
    told = [str(parts["type"])] if parts.get("type") and "display" not in parts else []
    if parts.get("primary"):
        told.append(pages.gettext("primary"))
    main = parts.get("display") or parts.get("value") or parts.get("formatted")
    if not main:
        main = ", ".join(str(one) for key, one in parts.items() if key not in {"type", "primary"})
    return f"{main} ({', '.join(told)})" if told else str(main)
