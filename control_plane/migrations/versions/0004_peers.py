"""Processes that sign calls are records of the registry."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP = "cellcast_app"


def upgrade() -> None:
    """The table of peers, and an index by which young workspaces are found with each heartbeat."""
    op.create_table(
        "peers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("public_keys", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["region"], ["regions.name"], name=op.f("fk_peers_region")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_peers")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON peers TO {APP}")
    op.create_index("ix_workspaces_created_at", "workspaces", ["created_at"])


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
