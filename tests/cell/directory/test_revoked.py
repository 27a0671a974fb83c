"""A token that has ended changes nothing any more, whatever its requests waited for; nor does it hold up others."""

import asyncio

import pytest
from sqlalchemy import select, text

from cell.directory import credentials, doing
from cell.directory.models import Entry
from cell.people import queries as people
from cell.people.service import actor_of
from cell.workspaces import service as workspaces
from contracts.directory import CredentialRefused
from tests.cell.directory.idp import Idp, step

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def somebody_waits(idp: Idp) -> None:
    async with asyncio.timeout(60):
        while True:
            async with idp.cell.database.outside() as session:
                if await session.scalar(WAITING):
                    return


async def revoke(idp: Idp) -> None:
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await credentials.revoke(tx, actor_of(idp.workspace.owner), idp.made.token.id)


async def test_a_change_that_waited_while_its_token_was_revoked_is_not_made(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doing, "SURE_S", 0)
    ada = await idp.create(title="Before")
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await tx.one(people.by_id(ada.id).with_for_update())
        waiting = asyncio.create_task(idp.patch(ada.id, step("replace", "title", "After")))
        await somebody_waits(idp)
        await revoke(idp)
    with pytest.raises(CredentialRefused):
        await waiting
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        found = await tx.one(select(Entry).where(Entry.id == ada.id))
    assert found.document["title"] == "Before"


async def test_a_removal_with_a_revoked_token_waits_for_nobody(idp: Idp) -> None:
    ada = await idp.create()
    await revoke(idp)
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await workspaces.get_locked(tx)
        with pytest.raises(CredentialRefused):
            await asyncio.wait_for(idp.erase(ada.id), 20)
