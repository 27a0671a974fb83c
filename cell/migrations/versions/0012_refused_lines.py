"""What was refused has an index of its own in the provisioning log: where nothing was, nobody reads the whole log."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_directory_log_refused",
        "directory_log",
        ["workspace_id", "at", "id"],
        unique=False,
        postgresql_where=sa.text("result = 'refused'"),
    )


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
