"""Tables of the registry: regions, cells, workspaces, their placements, and how each came about. Ids only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class Region(Base):
    """A jurisdiction. Its row is locked by whatever changes how full a cell of it is."""

    __tablename__ = "regions"

    name: Mapped[str] = mapped_column(primary_key=True)


class Cell(Base):
    """A stack in a region. `reserved`, `workspaces` and `large` count its living placements."""

    __tablename__ = "cells"

    name: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(ForeignKey("regions.name"))
    url: Mapped[str]
    state: Mapped[str]
    capacity: Mapped[int] = mapped_column(BigInteger)  # units, see sizes.py
    weight: Mapped[float]
    dedicated: Mapped[bool]
    joined_at: Mapped[datetime]
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    workspaces: Mapped[int] = mapped_column(BigInteger, default=0)
    large: Mapped[int] = mapped_column(BigInteger, default=0)
    # What it said at its last heartbeat; None: it never did.
    heard_at: Mapped[datetime | None]
    measured: Mapped[float | None]
    growth: Mapped[float] = mapped_column(default=0.0)
    reserved_then: Mapped[int] = mapped_column(BigInteger, default=0)

    # The net below the lock: whatever goes wrong above, a cell is not filled beyond its capacity.
    __table_args__ = (CheckConstraint("reserved between 0 and capacity", name="never_overfilled"),)


class WorkspaceKey(Base):
    """Every key that was ever given. Rows are never changed or removed, so that no key is given twice."""

    __tablename__ = "workspace_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    given_at: Mapped[datetime]


class Workspace(Base):
    """A tenant, by its ids; who it is, only its cell knows."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(ForeignKey("workspace_keys.key"), unique=True)
    region: Mapped[str] = mapped_column(ForeignKey("regions.name"))
    size: Mapped[str]
    units: Mapped[int] = mapped_column(BigInteger)  # reserved on its cell
    request_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_workspaces_created_at", "created_at"),)


class PlacementRow(Base):
    """Which cell owns a workspace, under which epoch, in which state: the only place where a state stands."""

    __tablename__ = "placements"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    cell: Mapped[str] = mapped_column(ForeignKey("cells.name"))
    epoch: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]

    __table_args__ = (Index("ix_placements_cell", "cell"),)


class Transition(Base):
    """One change of a placement: who, when, why, from what to what."""

    __tablename__ = "transitions"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    by: Mapped[str]
    change: Mapped[str]
    why: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    from_cell: Mapped[str | None]
    to_cell: Mapped[str]


class DecisionRow(Base):
    """Why a workspace got its cell, as decided then: each cell's score and why it lost."""

    __tablename__ = "placement_decisions"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    at: Mapped[datetime]
    cell: Mapped[str]
    verdicts: Mapped[list[dict[str, object]]] = mapped_column(JSONB)
