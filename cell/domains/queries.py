"""Statements about domains."""

from uuid import UUID

from sqlalchemy import Select, func, select

from cell.domains.models import Domain


def by_id(domain_id: UUID) -> Select[Domain]:
    """One domain."""
    return select(Domain).where(Domain.id == domain_id)


def by_name(domain: str) -> Select[Domain]:
    """The domain of that name, normalised."""
    return select(Domain).where(Domain.domain == domain)


def everything() -> Select[Domain]:
    """All of them, by name."""
    return select(Domain).order_by(Domain.domain)


def count() -> Select[int]:
    """How many there are, verified or not."""
    return select(func.count()).select_from(Domain)


def verified() -> Select[Domain]:
    """Those that were verified, the newest first."""
    return select(Domain).where(Domain.verified_at.is_not(None)).order_by(Domain.verified_at.desc(), Domain.id)
