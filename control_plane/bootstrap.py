"""The first operator, made beside the database: there is nobody yet whom the API would let in."""

from control_plane.act import acting
from control_plane.audit.service import BOOTSTRAP
from control_plane.operators import service
from control_plane.settings import ControlPlaneSettings
from kit.database import Database


async def bootstrap(settings: ControlPlaneSettings, name: str, days: int) -> str:
    """The token of the first operator. Raises OperatorsExist, ValueError for a name that is none."""
    database = Database(settings.database_url, name="control-plane-bootstrap", pool_size=1)
    try:
        async with acting(database, BOOTSTRAP) as act:
            return (await service.bootstrap(act, name, days)).word.text
    finally:
        await database.close()
