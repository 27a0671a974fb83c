"""Running alembic migrations: asynchronous, in one transaction, one process at a time."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

LOCK = 7_219_044  # any number that nothing else locks; two pods that start together migrate one after the other


def upgrade(scripts: Path, url: str, *, setting: str) -> None:
    """Bring the database at `url` (`postgresql://`, its owner's role) up to the newest revision in `scripts`.

    Raises ValueError where there is no address, naming the `setting` that should hold it.
    """
    if not url:
        raise ValueError(f"{setting}: is missing")
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option(
        "sqlalchemy.url", url.replace("postgresql://", "postgresql+asyncpg://", 1).replace("%", "%%")
    )
    command.upgrade(config, "head")


def run(metadata: MetaData) -> None:
    """What a folder of migrations does in its env.py; `metadata` are the tables that they make."""

    def migrate(connection: Connection) -> None:
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
        context.configure(connection=connection, target_metadata=metadata)
        context.run_migrations()

    async def connect() -> None:
        engine = create_async_engine(context.config.get_main_option("sqlalchemy.url") or "")
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
        await engine.dispose()

    asyncio.run(connect())
