"""What may be read is one condition: PostgreSQL then sees that it is the one that each statement asks for anyway.

With a second policy for reading besides, it took the workspace for two conditions, thought of one row where there were
thousands, and read a whole workspace to find one person. A stack's first tables are made with the new policies already.
"""

from alembic import op
from sqlalchemy import text

from kit.tenancy import policies

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the policy for all kinds of access by one for each kind of change."""
    found = op.get_bind().execute(text("SELECT tablename FROM pg_policies WHERE policyname = 'tenant_writes'"))
    for table in found.scalars().all():
        op.execute(f"DROP POLICY tenant_reads ON {table}")
        op.execute(f"DROP POLICY tenant_writes ON {table}")
        for statement in policies(table):
            op.execute(statement)


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""
