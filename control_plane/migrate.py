"""Running the migrations of the registry, as the owner of its database."""

from pathlib import Path

from alembic import command
from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"


def config(url: str) -> Config:
    """Alembic's configuration for a database (`postgresql://`, the owner's role). Raises ValueError without one."""
    if not url:
        raise ValueError("CELLCAST_CONTROL_PLANE_OWNER_DATABASE_URL: is missing")
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS))
    made.set_main_option("sqlalchemy.url", url.replace("postgresql://", "postgresql+asyncpg://", 1).replace("%", "%%"))
    return made


def migrate(url: str) -> None:
    """Bring the database up to the newest revision. Several at once wait for one another."""
    command.upgrade(config(url), "head")
