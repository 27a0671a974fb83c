"""Calls between our processes: those that were answered lately."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APP = "cellcast_app"


def upgrade() -> None:
    """One table, swept by the process itself."""
    op.create_table(
        "call_nonces",
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sender", "nonce", name=op.f("pk_call_nonces")),
    )
    op.create_index("ix_call_nonces_until", "call_nonces", ["until"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON call_nonces TO {APP}")


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
