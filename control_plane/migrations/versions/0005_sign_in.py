"""Connections to identity providers, and keyed hashes of domains."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APP = "cellcast_app"


def upgrade() -> None:
    """Both tables."""
    op.create_table(
        "sso_connections",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("record", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_sso_connections_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_sso_connections")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON sso_connections TO {APP}")
    op.create_table(
        "domains",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_domains_a_keyed_hash")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_domains_workspace_id")),
        sa.PrimaryKeyConstraint("digest", "workspace_id", name=op.f("pk_domains")),
    )
    op.create_index("ix_domains_workspace_id", "domains", ["workspace_id"])
    op.execute(f"GRANT SELECT, INSERT, DELETE ON domains TO {APP}")


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
