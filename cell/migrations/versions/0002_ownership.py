"""A write can name the epoch that it goes on from; a founder confirms an e-mail address."""

import sqlalchemy as sa
from alembic import op

from kit.tenancy import OPEN_WRITE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace `open_write`, and add what a confirmation leaves."""
    op.execute("DROP FUNCTION IF EXISTS open_write(uuid)")  # beside the new one, a call with one argument is ambiguous
    op.execute(OPEN_WRITE)
    # Workspaces that are here were founded by us; a default fills them without an UPDATE, which would need opening.
    moment = sa.DateTime(timezone=True)
    op.add_column("workspaces", sa.Column("confirmed_at", moment, nullable=True, server_default=sa.func.now()))
    op.alter_column("workspaces", "confirmed_at", server_default=None)
    op.add_column("workspaces", sa.Column("confirm_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
