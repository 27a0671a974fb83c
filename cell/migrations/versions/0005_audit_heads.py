"""The audit log can be looked through by actor, action, target and time, and its head waits to be published."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column that the stored form makes, indexes for filters, and whether a job will publish the head."""
    made = sa.Computed("(stored #>> '{target,id}'::text[])", persisted=True)
    op.add_column("audit_entries", sa.Column("target_id", sa.String(), made, nullable=True))
    op.create_index("ix_audit_entries_actor_id", "audit_entries", ["workspace_id", "actor_id", "seq"])
    op.create_index("ix_audit_entries_action", "audit_entries", ["workspace_id", "action", "seq"])
    op.create_index("ix_audit_entries_target_id", "audit_entries", ["workspace_id", "target_id", "seq"])
    op.create_index("ix_audit_entries_at", "audit_entries", ["workspace_id", "at"])
    # Logs that are here already get a head with their next entry.
    op.add_column("audit_heads", sa.Column("publishing", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("audit_heads", "publishing", server_default=None)


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
