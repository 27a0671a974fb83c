"""Statements about security policies."""

from sqlalchemy import Select, select

from cell.security.models import SecurityPolicy


def policy() -> Select[SecurityPolicy]:
    """The policy of this scope's workspace, if it has chosen one."""
    return select(SecurityPolicy)
