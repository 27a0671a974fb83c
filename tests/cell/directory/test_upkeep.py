"""What the daily job of a workspace's directory removes, and when it ends."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from cell.directory import credentials, upkeep
from cell.directory.models import Line, Reads, Upkeep
from cell.people.service import actor_of
from kit.database import now
from kit.jobs import RunAgain
from tests.cell.directory.idp import Idp


async def test_the_log_goes_back_30_days(idp: Idp) -> None:
    old, new = await idp.create(), await idp.create()
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        for person, days in ((old, 31), (new, 29)):
            aged = update(Line).where(Line.subject_id == person.id).values(at=now() - timedelta(days=days))
            await tx.execute(aged)
            tx.add(
                Reads(hour=now() - timedelta(days=days), token_id=uuid4(), resource="person", count=days, last_at=now())
            )
    with pytest.raises(RunAgain):
        await upkeep.look_after(idp.cell, idp.workspace.id)
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        assert await tx.all(select(Line.subject_id)) == [new.id]
        assert await tx.all(select(Reads.count)) == [29]


async def test_the_daily_job_ends_with_the_last_token_and_line(idp: Idp) -> None:
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await credentials.revoke(tx, actor_of(idp.workspace.admin), idp.made.token.id)
        await tx.execute(delete(Line))
    await upkeep.look_after(idp.cell, idp.workspace.id)
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        assert await tx.first(select(Upkeep)) is None
