"""Statements about people."""

from uuid import UUID

from sqlalchemy import Select, func, or_, select

from cell.people.models import Password, PasswordReset, Person
from cell.people.permissions import MAY, Permission, Role


def by_id(person_id: UUID) -> Select[Person]:
    """One person."""
    return select(Person).where(Person.id == person_id)


def by_email(email_norm: str) -> Select[Person]:
    """The person with this address, already in lower case."""
    return select(Person).where(Person.email_norm == email_norm)


def names(ids: set[UUID]) -> Select[Person]:
    """The people with these ids."""
    return select(Person).where(Person.id.in_(ids))


def password_of(person_id: UUID) -> Select[Password]:
    """A person's local password."""
    return select(Password).where(Password.id == person_id)


def with_password(email_norm: str) -> Select[Person, Password]:
    """The person with this address, and the local password, where there are both."""
    return (
        select(Person, Password)
        .join(Password, (Password.workspace_id == Person.workspace_id) & (Password.id == Person.id))
        .where(Person.email_norm == email_norm)
    )


def other_owners(person_id: UUID) -> Select[Person]:
    """Active owners besides this person, who can sign in with a password whatever happens elsewhere."""
    return owners_with_password().where(Person.id != person_id)


def owners_with_password() -> Select[Person]:
    """Active owners who can sign in with a password whatever happens elsewhere."""
    return (
        select(Person)
        .join(Password, (Password.workspace_id == Person.workspace_id) & (Password.id == Person.id))
        .where(Person.role == Role.OWNER, Person.active)
    )


def below_owners() -> Select[UUID]:
    """Everybody who is no owner, switched off or not."""
    return select(Person.id).where(Person.role != Role.OWNER)


def who_may(permission: Permission, limit: int) -> Select[Person]:
    """Active people whose role has a permission, at most so many."""
    roles = [role.value for role, held in MAY.items() if permission in held]
    return select(Person).where(Person.role.in_(roles), Person.active).order_by(Person.created_at).limit(limit)


def reset_by_digest(digest: bytes) -> Select[PasswordReset]:
    """The reset that this word opens."""
    return select(PasswordReset).where(PasswordReset.digest == digest)


def reset_of(person_id: UUID) -> Select[PasswordReset]:
    """A person's open reset."""
    return select(PasswordReset).where(PasswordReset.id == person_id)


def matching(text: str) -> Select[Person]:
    """The people whose name or e-mail contains `text`, at most 100."""
    return _like(select(Person), text).limit(100)


def members(text: str, role: str, active: bool | None, skip: int, limit: int) -> Select[Person]:
    """The members that a filter leaves, active ones first, by name."""
    found = _filtered(select(Person), text, role, active)
    return found.order_by(Person.active.desc(), func.lower(Person.name), Person.id).offset(skip).limit(limit)


def count(text: str, role: str, active: bool | None) -> Select[int]:
    """How many there are."""
    return _filtered(select(func.count()).select_from(Person), text, role, active)


def _filtered(found: Select, text: str, role: str, active: bool | None) -> Select:  # type: ignore[type-arg]
    if text:
        found = _like(found, text)
    if role:
        found = found.where(Person.role == role)
    return found if active is None else found.where(Person.active.is_(active))


def _like(found: Select, text: str) -> Select:  # type: ignore[type-arg]  # of whatever columns
    return found.where(
        or_(Person.name.icontains(text, autoescape=True), Person.email_norm.icontains(text.lower(), autoescape=True))
    )
