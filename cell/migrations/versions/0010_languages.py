"""Mails go out in their reader's language; a member's own upload says in which session it was begun."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of what is there nobody knows, and English is what such mails were written in."""
    op.add_column("people", sa.Column("language", sa.String(), nullable=True))
    op.add_column("workspaces", sa.Column("language", sa.String(), nullable=False, server_default="en"))
    op.alter_column("workspaces", "language", server_default=None)
    op.add_column("recordings", sa.Column("started_in", sa.String(), nullable=True))


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
