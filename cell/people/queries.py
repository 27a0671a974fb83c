"""Statements about people."""

from uuid import UUID

from sqlalchemy import Select, or_, select

from cell.people.models import Password, Person


def by_id(person_id: UUID) -> Select[Person]:
    """One person."""
    return select(Person).where(Person.id == person_id)


def by_email(email_norm: str) -> Select[Person]:
    """The person with this address, already in lower case."""
    return select(Person).where(Person.email_norm == email_norm)


def everyone() -> Select[Person]:
    """All people, active ones first, by name."""
    return select(Person).order_by(Person.active.desc(), Person.name, Person.id)


def names(ids: set[UUID]) -> Select[Person]:
    """The people with these ids."""
    return select(Person).where(Person.id.in_(ids))


def password_of(person_id: UUID) -> Select[Password]:
    """A person's local password."""
    return select(Password).where(Password.id == person_id)


def matching(text: str) -> Select[Person]:
    """The people whose name or e-mail contains `text`, at most 100."""
    contains = or_(
        Person.name.icontains(text, autoescape=True), Person.email_norm.icontains(text.lower(), autoescape=True)
    )
    return select(Person).where(contains).limit(100)
