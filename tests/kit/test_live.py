"""Events reach every listener of their workspace, and nobody else."""

from uuid import uuid4

from kit import live
from tests.cell.world import World


async def test_every_listener_of_the_workspace_hears_it(world: World) -> None:
    here, redis = uuid4(), world.cell.redis
    async with live.listen(redis, here) as one, live.listen(redis, here) as two:
        await live.tell(redis, here, "recording", {"id": "7", "state": "ready"})
        for listener in (one, two):
            assert await listener.next(5) == ("recording", {"id": "7", "state": "ready"})


async def test_another_workspace_hears_nothing(world: World) -> None:
    here, redis = uuid4(), world.cell.redis
    async with live.listen(redis, uuid4()) as elsewhere:
        await live.tell(redis, here, "recording", {"id": "7"})
        assert await elsewhere.next(0.1) is None
