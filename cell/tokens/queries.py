"""Statements about API tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select

from cell.tokens.models import ApiToken


def living(digest: bytes, at: datetime) -> Select[ApiToken]:
    """The token with this digest, if it may still be used."""
    return select(ApiToken).where(
        ApiToken.digest == digest,
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > at),
    )


def by_id(token_id: UUID) -> Select[ApiToken]:
    """One token, living or not."""
    return select(ApiToken).where(ApiToken.id == token_id)


def newest_first() -> Select[ApiToken]:
    """All tokens of the workspace."""
    return select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id)
