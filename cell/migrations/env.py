"""Alembic's way into the database."""

from cell import models
from kit import migrations

migrations.run(models.METADATA)
