"""Members: owners, invitations, resets of passwords, when somebody was last seen, and where an address is a member."""

import sqlalchemy as sa
from alembic import op

from kit.tenancy import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APP = "cellcast_app"

# Row-level security binds the tables' owner too, so each workspace is changed in its own scope.
FIRST_OWNERS = """
DO $$
DECLARE
  w uuid;
BEGIN
  FOR w IN SELECT workspace_id FROM workspace_keys LOOP
    PERFORM set_config('app.workspace_id', w::text, true), set_config('app.writing', w::text, true);
    UPDATE people SET role = 'owner' WHERE workspace_id = w AND id = (
      SELECT id FROM people WHERE workspace_id = w AND role = 'admin' ORDER BY active DESC, created_at, id LIMIT 1
    );
  END LOOP;
  PERFORM set_config('app.workspace_id', '', true), set_config('app.writing', '', true);
END $$;
"""

# Looks at one workspace after the other, each in its own scope: nothing about people is kept outside of scopes.
WORKSPACES_OF = """
CREATE FUNCTION workspaces_of(address text) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  w uuid;
  before text := coalesce(current_setting('app.workspace_id', true), '');
BEGIN
  FOR w IN SELECT workspace_id FROM ownership WHERE state <> 'deleted' LOOP
    PERFORM set_config('app.workspace_id', w::text, true);
    IF EXISTS (SELECT FROM people WHERE workspace_id = w AND email_norm = address AND active) THEN
      RETURN NEXT w;
    END IF;
  END LOOP;
  PERFORM set_config('app.workspace_id', before, true);
END $$;
"""


def upgrade() -> None:
    """Columns and tables; the oldest admin of each workspace becomes its owner."""
    moment = sa.DateTime(timezone=True)
    op.add_column("people", sa.Column("last_seen_at", moment, nullable=True))
    # A default fills the rows that are there without an UPDATE, which would need opening.
    op.add_column("passwords", sa.Column("changed_at", moment, nullable=False, server_default=sa.func.now()))
    op.alter_column("passwords", "changed_at", server_default=None)
    op.execute(FIRST_OWNERS)
    op.execute(WORKSPACES_OF)
    _tables(moment)
    for table in ("invitations", "password_resets"):
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""


def _tables(moment: "sa.DateTime") -> None:
    op.create_table(
        "password_resets",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_password_resets")),
    )
    op.create_index("uq_password_resets_digest", "password_resets", ["workspace_id", "digest"], unique=True)
    op.create_table(
        "invitations",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_norm", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("accepted_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index("uq_invitations_digest", "invitations", ["workspace_id", "digest"], unique=True)
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["workspace_id", "email_norm"],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )
