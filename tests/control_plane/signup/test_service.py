"""What a person who signs up hears of the registry."""

from uuid import uuid4

import pytest

from contracts.placing import RegionFull, Reserve
from control_plane.signup import service
from tests.control_plane.world import BY, World


async def test_a_region_without_room_says_so_in_words_for_people(world: World) -> None:
    await world.add_cell("eu-1", capacity=1)
    one = Reserve(region="eu", request_key=uuid4().hex)
    made = await service.reserve(world.plane.database, BY, one)

    with pytest.raises(RegionFull) as refused:
        await service.reserve(world.plane.database, BY, Reserve(region="eu", request_key=uuid4().hex))

    assert refused.value.facts == {}, "cells and scores are nobody's business outside"
    assert await service.reserve(world.plane.database, BY, one) == made, "whoever has a place keeps it"
