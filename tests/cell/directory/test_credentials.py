"""Provisioning tokens that are made at the same moment."""

import asyncio

import pytest

from cell.directory import credentials, queries
from cell.directory.credentials import MOST, NewToken, TooManyTokens
from cell.people.service import actor_of
from kit.database import now
from tests.cell.directory.idp import Idp, connect
from tests.cell.world import World

AT_ONCE = 5


@pytest.mark.parametrize("act", ["create", "rotate"])
async def test_of_those_made_at_once_no_more_live_than_may(world: World, idp: Idp, act: str) -> None:
    for number in range(MOST - 2):
        await connect(world, idp.workspace, f"Token {number}")
    by, key = actor_of(idp.workspace.admin), idp.workspace.key

    async def one_more() -> bool:
        try:
            async with world.cell.database.writing(idp.workspace.id) as tx:
                if act == "create":
                    await credentials.create(tx, by, key, NewToken(name="One more"))
                else:
                    await credentials.rotate(tx, by, key, idp.made.token.id)
        except TooManyTokens:
            return False
        return True

    made = await asyncio.gather(*(one_more() for _ in range(AT_ONCE)))
    async with world.cell.database.reading(idp.workspace.id) as tx:
        assert len(await tx.all(queries.living(now()))) == MOST
    assert sum(made) == 1
