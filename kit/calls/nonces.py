"""Calls that came before: a nonce is taken once. Remembered for as long as a replay could pass by its clock."""

from datetime import datetime, timedelta
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Column, DateTime, Delete, Index, MetaData, String, Table, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from kit.calls.envelope import NONCE_KEPT_S
from kit.calls.refusals import NoncesUnavailable
from kit.database import Database, now

_SWEPT = 100  # rows whose time is over that go with each call; more than one comes with each


class Nonces(Protocol):
    """Where a receiver remembers the calls that it answered."""

    async def take(self, sender: str, nonce: str) -> bool:
        """True the first time. Raises NoncesUnavailable, or what the database means by being away."""
        ...


class RedisNonces:
    """In the receiver's own Redis."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def take(self, sender: str, nonce: str) -> bool:
        """True the first time within a minute. Raises NoncesUnavailable."""
        try:
            return bool(await self._redis.set(f"call:{sender}:{nonce}", "", nx=True, ex=NONCE_KEPT_S))
        except (RedisError, OSError):
            raise NoncesUnavailable from None


def nonce_table(metadata: MetaData) -> Table:
    """The table for `PostgresNonces`; whose database it is migrates it."""
    return Table(
        "call_nonces",
        metadata,
        Column("sender", String, primary_key=True),
        Column("nonce", String, primary_key=True),
        Column("until", DateTime(timezone=True), nullable=False),
        Index("ix_call_nonces_until", "until"),
    )


class PostgresNonces:
    """In the receiver's database, for one that has no Redis. Survives a restart of the server."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table

    async def take(self, sender: str, nonce: str) -> bool:
        """True the first time within a minute. Raises DatabaseUnavailable."""
        moment = now()
        async with self._database.outside() as session:
            await session.execute(self._sweep(moment))
            until = moment + timedelta(seconds=NONCE_KEPT_S)
            taken = insert(self._table).values(sender=sender, nonce=nonce, until=until).on_conflict_do_nothing()
            return bool(getattr(await session.execute(taken), "rowcount", 0))

    def _sweep(self, moment: datetime) -> Delete:
        # Rows that another call is removing are skipped: two sweeps never wait for one another.
        columns = self._table.c
        over = select(columns.sender, columns.nonce).where(columns.until < moment).limit(_SWEPT)
        found = over.with_for_update(skip_locked=True)
        return delete(self._table).where(tuple_(columns.sender, columns.nonce).in_(found))
