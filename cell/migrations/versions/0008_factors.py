"""Second factors: authenticator apps, passkeys, recovery codes; and a workspace's security policy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kit.tenancy import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

APP = "cellcast_app"
TABLES = ("totps", "passkeys", "recovery_codes", "security_policies")


def upgrade() -> None:
    """Add the tables."""
    _factors(sa.DateTime(timezone=True))
    op.create_table(
        "security_policies",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("second_factor", sa.String(), nullable=False),
        sa.Column("factor_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("idle_minutes", sa.Integer(), nullable=False),
        sa.Column("absolute_hours", sa.Integer(), nullable=False),
        sa.Column("networks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_security_policies")),
    )
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""


def _factors(moment: "sa.DateTime") -> None:
    op.create_table(
        "totps",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_totps")),
    )
    op.create_table(
        "passkeys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_passkeys")),
    )
    op.create_index("uq_passkeys_credential_id", "passkeys", ["workspace_id", "credential_id"], unique=True)
    op.create_index("ix_passkeys_person_id", "passkeys", ["workspace_id", "person_id"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_recovery_codes")),
    )
    op.create_index("uq_recovery_codes_digest", "recovery_codes", ["workspace_id", "person_id", "digest"], unique=True)
