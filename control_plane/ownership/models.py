"""The table of what cells have not been told yet, and the trigger that fills it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class OwnershipUntold(Base):
    """A placement that its cell has not been told of; gone once it has. `due` is when to try (again)."""

    __tablename__ = "ownership_untold"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    due: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("ix_ownership_untold_due", "due"),)


# A workspace that is being signed up is not there yet: the cell makes it itself. A change that comes while an earlier
# one is being told takes its place, and is told at once.
NOTE_OWNERSHIP = """
CREATE FUNCTION note_ownership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> 'provisioning' THEN
    INSERT INTO ownership_untold (workspace_id, epoch, version, due, tries)
    VALUES (NEW.workspace_id, NEW.epoch, NEW.version, now(), 0)
    ON CONFLICT (workspace_id) DO UPDATE
    SET epoch = EXCLUDED.epoch, version = EXCLUDED.version, due = EXCLUDED.due, tries = 0;
  END IF;
  RETURN NULL;
END $$;
"""
ON_EVERY_CHANGE = """
CREATE TRIGGER ownership_is_told AFTER INSERT OR UPDATE ON placements
FOR EACH ROW EXECUTE FUNCTION note_ownership()
"""
