"""Cells are told what they own, until they have answered."""

import sqlalchemy as sa
from alembic import op

from control_plane.ownership.models import NOTE_OWNERSHIP, ON_EVERY_CHANGE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APP = "cellcast_app"


def upgrade() -> None:
    """What has not been told, noted with every change of a placement."""
    op.create_table(
        "ownership_untold",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_ownership_untold")),
    )
    op.create_index("ix_ownership_untold_due", "ownership_untold", ["due"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ownership_untold TO {APP}")
    op.execute(NOTE_OWNERSHIP)
    op.execute(ON_EVERY_CHANGE)


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
