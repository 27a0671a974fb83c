"""The directory: people and groups of an identity provider, the tokens it calls with, the provisioning log."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kit.tenancy import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APP = "cellcast_app"
TABLES = (
    "directory_emails",
    "directory_groups",
    "directory_log",
    "directory_members",
    "directory_people",
    "directory_reads",
    "directory_upkeep",
    "provisioning_tokens",
)
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Tables, indexes, policies."""
    _people_and_groups()
    _tokens_and_log()
    for table in TABLES:
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def downgrade() -> None:
    """Nothing: a migration that is out is mended by the next one."""


def _key(*names: str) -> list["sa.Column[Any]"]:
    return [sa.Column(name, sa.Uuid(), nullable=False) for name in ("workspace_id", *names)]


def _text(*names: str, nullable: bool = False) -> list["sa.Column[Any]"]:
    return [sa.Column(name, sa.String(), nullable=nullable) for name in names]


def _moments(*names: str, nullable: bool = False) -> list["sa.Column[Any]"]:
    return [sa.Column(name, _MOMENT, nullable=nullable) for name in names]


def _primary(table: str, *names: str) -> "sa.PrimaryKeyConstraint":
    return sa.PrimaryKeyConstraint("workspace_id", *names, name=op.f(f"pk_{table}"))


def _index(name: str, table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(name, table, ["workspace_id", *columns], unique=unique)


def _described() -> list["sa.Column[Any]"]:
    document = sa.Column("document", postgresql.JSONB(), nullable=False)
    return [document, sa.Column("version", sa.BigInteger(), nullable=False), *_moments("created_at", "changed_at")]


def _people_and_groups() -> None:
    op.create_table(
        "directory_people",
        *_key("id"),
        *_text("user_name_norm"),
        *_text("external_id", "display_name_norm", nullable=True),
        *_described(),
        _primary("directory_people", "id"),
    )
    _index("uq_directory_people_user_name", "directory_people", "user_name_norm", unique=True)
    _index("uq_directory_people_external_id", "directory_people", "external_id", unique=True)
    _index("ix_directory_people_display_name", "directory_people", "display_name_norm")
    _index("ix_directory_people_created", "directory_people", "created_at", "id")
    op.create_table(
        "directory_emails",
        *_key("person_id"),
        *_text("value_norm"),
        _primary("directory_emails", "person_id", "value_norm"),
    )
    _index("ix_directory_emails_value", "directory_emails", "value_norm")
    op.create_table(
        "directory_groups",
        *_key("id"),
        *_text("display_name_norm"),
        *_text("external_id", "role", nullable=True),
        *_described(),
        _primary("directory_groups", "id"),
    )
    _index("uq_directory_groups_display_name", "directory_groups", "display_name_norm", unique=True)
    _index("uq_directory_groups_external_id", "directory_groups", "external_id", unique=True)
    _index("ix_directory_groups_created", "directory_groups", "created_at", "id")
    op.create_table(
        "directory_members", *_key("group_id", "member_id"), _primary("directory_members", "group_id", "member_id")
    )
    _index("ix_directory_members_member", "directory_members", "member_id", "group_id")


def _tokens_and_log() -> None:
    op.create_table(
        "provisioning_tokens",
        *_key("id"),
        *_text("name"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *_key("created_by")[1:],
        *_moments("created_at"),
        *_moments("expires_at", "last_used_at", "refused_at", "revoked_at", nullable=True),
        _primary("provisioning_tokens", "id"),
    )
    _index("uq_provisioning_tokens_digest", "provisioning_tokens", "digest", unique=True)
    op.create_table(
        "directory_log",
        *_key("id"),
        *_moments("at"),
        *_key("token_id")[1:],
        sa.Column("request_id", sa.LargeBinary(), nullable=True),
        *_text("trace", "asked", "verb", "resource"),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        *_text("name", "result", "reason", "detail"),
        _primary("directory_log", "id"),
    )
    _index("uq_directory_log_request", "directory_log", "request_id", unique=True)
    _index("ix_directory_log_at", "directory_log", "at", "id")
    op.create_table(
        "directory_reads",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        *_moments("hour"),
        *_key("token_id")[1:],
        *_text("resource"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        *_moments("last_at"),
        _primary("directory_reads", "hour", "token_id", "resource"),
    )
    op.create_table("directory_upkeep", *_key(), *_moments("since"), _primary("directory_upkeep"))
