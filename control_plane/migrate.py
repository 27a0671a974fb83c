"""Running this part's migrations, as the owner of its database."""

from pathlib import Path

from kit import migrations

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Bring the database up to the newest revision; several at once wait for one another. Raises ValueError."""
    migrations.upgrade(SCRIPTS, url, setting="CELLCAST_CONTROL_PLANE_OWNER_DATABASE_URL")
