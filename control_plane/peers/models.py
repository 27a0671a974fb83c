"""The table of peers."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class PeerRow(Base):
    """A process that signs calls (contracts/peers.py). A cell's `url` is the cell's own and changes with it."""

    __tablename__ = "peers"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    region: Mapped[str] = mapped_column(ForeignKey("regions.name"))
    url: Mapped[str]
    public_keys: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    changed_at: Mapped[datetime]
