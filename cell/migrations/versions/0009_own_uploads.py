"""A recording says which member began it, where it was one and no customer: it ends when they are switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what is there nobody knows."""
    op.add_column("recordings", sa.Column("started_by", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_recordings_started_by",
        "recordings",
        ["workspace_id", "started_by"],
        unique=False,
        postgresql_where=sa.text("started_by IS NOT NULL"),
    )


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
