"""Alembic's way into the database: asynchronous, one transaction, one migration at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from control_plane import models
from control_plane.base import Base

LOCK = 7_219_045  # any number that nothing else locks; two pods that start together migrate one after the other


def _run(connection: Connection) -> None:
    connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
    context.configure(connection=connection, target_metadata=models.METADATA)
    context.run_migrations()


async def _migrate() -> None:
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url") or "")
    async with engine.begin() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


assert models.METADATA is Base.metadata
asyncio.run(_migrate())
