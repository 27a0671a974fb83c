"""How a table belongs to workspaces: row-level security that the application's role cannot step around.

A transaction has a scope (`app.workspace_id`): outside it nothing is seen. A write has to be opened besides
(`open_write`), which takes the workspace's shared lock and looks at who owns it, so that a process which no longer
owns a workspace, or one that forgot to ask, changes nothing.
"""

from uuid import UUID

# The one statement that opens a write; its errors, by SQLSTATE, are in kit/database_errors.py. `believed` is the epoch
# under which the writer began, where it began earlier: what it read then may be no longer so under another owner.
OPEN_WRITE = """
CREATE OR REPLACE FUNCTION open_write(wanted uuid, believed bigint DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  held record;
BEGIN
  -- Shared: writers do not wait for one another; a freeze takes the same lock exclusively and so waits for them.
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(wanted::text, 0));
  SELECT epoch, state INTO held FROM ownership WHERE workspace_id = wanted;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this cell does not own the workspace' USING ERRCODE = 'CC404';
  ELSIF held.state <> 'active' THEN
    RAISE EXCEPTION 'the workspace is %', held.state USING ERRCODE = 'CC423';
  ELSIF believed <> held.epoch THEN
    RAISE EXCEPTION 'epoch % has passed', believed USING ERRCODE = 'CC409';
  END IF;
  PERFORM set_config('app.workspace_id', wanted::text, true), set_config('app.writing', wanted::text, true);
  RETURN held.epoch;
END $$;
"""

# Row-level security lets an UPDATE outside the scope touch nothing without a word; this says it aloud.
REFUSE_UNOPENED = """
CREATE FUNCTION refuse_unopened_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('app.writing', true), '') = '' THEN
    RAISE EXCEPTION 'write to % outside open_write()', TG_TABLE_NAME USING ERRCODE = 'CC403';
  END IF;
  RETURN NULL;
END $$;
"""


def in_scope(statement: str, number: int = 1) -> str:
    """`statement`, which answers with one value, in the scope of the workspace that is its parameter `$number`.

    One statement is one transaction, at whose end the scope is gone. CASE says what is computed first (PostgreSQL's
    manual, 4.2.14), and a subquery is not run before it is needed; if it was, it would see nothing.
    """
    scoped = f"set_config('app.workspace_id', ${int(number)}::uuid::text, true) <> ''"
    return f"SELECT CASE WHEN {scoped} THEN ({statement}) END"


def opening_in(workspace_id: UUID) -> str:
    """The statement that opens a write, as text: with a parameter it would be a round trip of its own.

    What a `UUID` writes has no quotes to break out of; anything else that was taken for one is not one.
    """
    return f"SELECT open_write('{UUID(str(workspace_id))}')"


def policies(table: str) -> list[str]:
    """The statements that say which rows of `table` exist for whom, and which may be made, changed, removed.

    One policy for each kind of access: two that allow reading are joined by OR, behind which PostgreSQL's planner no
    longer sees that `workspace_id = $1` says the same, and takes a workspace for a row.
    """
    seen = "workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid"
    opened = "workspace_id = nullif(current_setting('app.writing', true), '')::uuid"
    return [
        f"CREATE POLICY tenant_reads ON {table} FOR SELECT USING ({seen})",
        f"CREATE POLICY tenant_inserts ON {table} FOR INSERT WITH CHECK ({opened})",
        f"CREATE POLICY tenant_updates ON {table} FOR UPDATE USING ({opened}) WITH CHECK ({opened})",
        f"CREATE POLICY tenant_deletes ON {table} FOR DELETE USING ({opened})",
    ]


def protect(table: str) -> list[str]:
    """The statements that make `table` a tenant's: forced row-level security and no write that was not opened."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        *policies(table),
        f"CREATE TRIGGER opened_writes_only BEFORE INSERT OR UPDATE OR DELETE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_unopened_write()",
    ]
