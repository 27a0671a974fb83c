"""Single sign-on: identities, the sign-in log, the connection as it is wanted, domains."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kit.tenancy import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APP = "cellcast_app"
TABLES = ("domains", "identities", "sign_ins", "sso_settings", "sso_upkeep")


def upgrade() -> None:
    """The tables, each a tenant's."""
    _people(sa.DateTime(timezone=True))
    _settings(sa.DateTime(timezone=True))
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""


def _people(moment: "sa.DateTime") -> None:
    op.create_table(
        "identities",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("idp_entity_id", sa.String(), nullable=False),
        sa.Column("name_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_identities")),
    )
    op.create_index("uq_identities_digest", "identities", ["workspace_id", "digest"], unique=True)
    op.create_index("ix_identities_person", "identities", ["workspace_id", "person_id"])
    op.create_table(
        "sign_ins",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_sign_ins")),
    )
    op.create_index("uq_sign_ins_reference", "sign_ins", ["workspace_id", "reference"], unique=True)
    op.create_index("ix_sign_ins_at", "sign_ins", ["workspace_id", "at"])


def _settings(moment: "sa.DateTime") -> None:
    op.create_table(
        "sso_settings",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("connection", postgresql.JSONB(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saved_at", moment, nullable=False),
        sa.Column("refused", sa.String(), nullable=False),
        sa.Column("tested", sa.String(), nullable=True),
        sa.Column("tested_at", moment, nullable=True),
        sa.Column("warned", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_sso_settings")),
    )
    op.create_table(
        "sso_upkeep",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_sso_upkeep")),
    )
    op.create_table(
        "domains",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", moment, nullable=False),
        sa.Column("checked_at", moment, nullable=True),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("seen", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("verified_at", moment, nullable=True),
        sa.Column("crowded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_domains")),
    )
    op.create_index("uq_domains_domain", "domains", ["workspace_id", "domain"], unique=True)
