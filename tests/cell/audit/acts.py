"""Acts of the tests' people, to be found in the log."""

from cell.people import service as people
from tests.cell.world import PASSWORD, Workspace, World


async def joined(world: World, workspace: Workspace, name: str = "Eve Erased") -> None:
    """The admin, at 192.0.2.7, adds a member with the address eve@example.com."""
    new = await people.prepare(people.NewPerson(name=name, email="eve@example.com", password=PASSWORD))
    async with world.cell.database.writing(workspace.id) as tx:
        await people.create(tx, people.actor_of(workspace.admin, "192.0.2.7"), new)
