"""Uses of tokens that are counted in memory: none is left there, whenever it comes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest
from sqlalchemy import select

from cell.directory import calls, tally
from cell.directory.models import ProvisioningToken, Reads
from cell.directory.tally import Tally
from contracts.directory import DIRECTORY_GET, Get
from contracts.directory_schema import Resource
from kit.calls import Answers, Caller
from kit.database import Database
from kit.refusals import NotFound
from tests.cell.directory.idp import Idp
from tests.servers.postgres import Postgres
from tests.waiting import PATIENCE


async def counted(idp: Idp) -> tuple[int, datetime | None]:
    """How many reads were written, and when the token was last used."""
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        reads = sum(await tx.all(select(Reads.count)))
        return reads, await tx.first(select(ProvisioningToken.last_used_at))


async def test_a_use_while_others_are_written_is_written_too(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "WRITTEN_EVERY_S", 0.0)
    counting = Tally(idp.cell.database)
    token = idp.made.token.id
    write: Callable[..., Awaitable[None]] = counting._write
    writes, both = 0, asyncio.Event()

    async def meanwhile(*given: Any) -> None:
        nonlocal writes
        writes += 1
        if writes == 1:
            counting.used(idp.workspace.id, token, "person")
        await write(*given)
        if writes == 2:
            both.set()

    monkeypatch.setattr(counting, "_write", meanwhile)
    counting.used(idp.workspace.id, token, "person")
    await asyncio.wait_for(both.wait(), 5 * PATIENCE)
    assert (await counted(idp))[0] == 2


async def test_a_process_that_ends_in_good_order_writes_what_it_counted(
    idp: Idp, postgres: Postgres, cell_database: str
) -> None:
    database = Database(postgres.app_dsn(cell_database), name="ending")
    handlers: dict[str, Callable[..., Awaitable[object]]] = {}

    class Table:
        """Takes the answers."""

        def to(self, operation: Any) -> Callable[[Any], Any]:
            return lambda handler: handlers.setdefault(operation.name, handler)

    calls.answer(cast(Answers, Table()), replace(idp.cell, database=database))
    said = Get(workspace_id=idp.workspace.id, credential=idp.credential, resource=Resource.PERSON, id=idp.workspace.id)
    with pytest.raises(NotFound):
        await handlers[DIRECTORY_GET.name](Caller("provisioning-eu"), said)
    assert await counted(idp) == (0, None)
    await database.close()
    reads, last = await counted(idp)
    assert reads == 1 and last is not None
