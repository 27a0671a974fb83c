"""Alembic's way into the database."""

from control_plane import models
from kit import migrations

migrations.run(models.METADATA)
