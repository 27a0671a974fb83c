"""An identity provider's words as ours: e-mail, name, groups and role, by the connection's own table."""

from collections.abc import Mapping

from contracts.identity import Attributes, Connection, NameIdFormat, Role
from control_plane.saml.question import Assertion

MOST_GROUPS = 1000
LONGEST_GROUP = 300
LONGEST_NAME = 120
LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3


class Mapped:
    """What an assertion says in our words. Whatever cannot be used is left out, never bent."""

    def __init__(self, connection: Connection, assertion: Assertion) -> None:
        told, names = dict(assertion.attributes), connection.attributes
        self.email = _email(told, names) or _email_in_name(assertion)
        self.name = _name(told, names)
        # The groups that cannot be kept stand at the end or are too long for any rule to name.
        groups = [one for one in told.get(names.groups, ()) if len(one) <= LONGEST_GROUP] if names.groups else []
        self.groups = tuple(groups[:MOST_GROUPS])
        self.role = _role(names, frozenset(groups))


def _email(told: Mapping[str, tuple[str, ...]], names: Attributes) -> str:
    values = told.get(names.email, ()) if names.email else ()
    return next((one for one in values if _is_email(one)), "")


def _email_in_name(assertion: Assertion) -> str:
    """The NameID, where the identity provider says that it is an address."""
    said = assertion.name_id_format == NameIdFormat.EMAIL.urn and _is_email(assertion.name_id)
    return assertion.name_id if said else ""


def _is_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return (
        bool(at and local and "." in domain and text.isprintable() and " " not in text) and len(text) <= LONGEST_EMAIL
    )


def _name(told: Mapping[str, tuple[str, ...]], names: Attributes) -> str:
    def first(name: str) -> str:
        return next(iter(told.get(name, ())), "") if name else ""

    whole = first(names.name) or f"{first(names.first_name)} {first(names.last_name)}".strip()
    return whole[:LONGEST_NAME].strip() if whole.isprintable() else ""


def _role(names: Attributes, groups: frozenset[str]) -> Role | None:
    """The first rule that fits, else what the connection says for everybody else; None where it has no rules."""
    if not names.roles:
        return None
    return next((rule.role for rule in names.roles if rule.group in groups), names.otherwise)
