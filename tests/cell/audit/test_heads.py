"""Signed heads: published as the log grows, each after the one before it, never over a log that differs."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from cell.audit import heads, kinds
from cell.audit.tasks import TASKS
from contracts.audit_heads import NONE_BEFORE, SignedHead
from kit.jobs.runner import Runner
from kit.signing import PublicKeys, SigningKey
from kit.storage import StorageUnavailable
from tests.cell.audit.tampering import cut_off, write_anew
from tests.cell.lines import Logged
from tests.cell.world import Workspace, World
from tests.servers.postgres import Postgres

KEY = SigningKey(b"\1" * 32)


@pytest.fixture
def signing(world: World) -> World:
    """The cell with a key of its own."""
    return replace(
        world, cell=replace(world.cell, settings=world.cell.settings.model_copy(update={"signing_key": KEY}))
    )


async def kept(world: World, workspace: Workspace) -> list[SignedHead]:
    """Every head in the bucket, by number."""
    bucket, at = world.cell.bucket, f"audit/{workspace.id}/heads/"
    keys = [one.key for one in await bucket.list(at) if not one.key.endswith("newest.json")]
    return [SignedHead.read(await bucket.get(key)) for key in keys]


async def waiting(world: World, workspace: Workspace) -> list[str]:
    return [job.kind for job in await world.jobs(workspace, log=True) if job.kind == kinds.PUBLISH_HEAD.name]


async def test_an_act_has_its_head_published_ten_minutes_later(signing: World, workspace: Workspace) -> None:
    await signing.link(workspace)
    await signing.link(workspace)
    [job] = [job for job in await signing.jobs(workspace, log=True) if job.kind == kinds.PUBLISH_HEAD.name]
    assert await signing.run_jobs(workspace, TASKS) == 0  # not yet
    assert await signing.run_jobs(workspace, TASKS, early=True) == 1
    [head] = await kept(signing, workspace)
    assert (head.head.n, head.head.seq, head.head.previous) == (1, 3, NONE_BEFORE)
    head.verify(PublicKeys([KEY.public]))
    assert head.head.workspace_id == str(workspace.id) and head.head.cell == "eu-1"
    assert await waiting(signing, workspace) == []
    await signing.link(workspace)  # the next act asks for the next head
    assert await waiting(signing, workspace) == [job.kind]


async def test_each_head_carries_the_one_before_it(signing: World, workspace: Workspace) -> None:
    for _ in range(3):
        await signing.link(workspace)
        await signing.run_jobs(workspace, TASKS, early=True)
    found = await kept(signing, workspace)
    assert [(one.head.n, one.head.seq) for one in found] == [(1, 2), (2, 3), (3, 4)]
    assert [one.head.previous for one in found] == [NONE_BEFORE, found[0].head.digest, found[1].head.digest]
    assert await heads.newest(signing.cell.bucket, workspace.id) == found[-1]


async def test_nothing_is_published_where_nothing_has_happened(signing: World, workspace: Workspace) -> None:
    assert await heads.publish(signing.cell, workspace.id) == await heads.publish(signing.cell, workspace.id) == 1
    assert len(await kept(signing, workspace)) == 1


async def test_a_log_that_grows_meanwhile_is_looked_at_again(signing: World, workspace: Workspace) -> None:
    seq = await heads.publish(signing.cell, workspace.id)
    await signing.link(workspace)
    assert not await heads.settled(signing.cell.database, workspace.id, seq)
    assert await heads.settled(signing.cell.database, workspace.id, seq + 1)


async def test_a_publisher_that_died_between_its_two_writes_leaves_a_head_that_is_found(
    signing: World, workspace: Workspace
) -> None:
    await heads.publish(signing.cell, workspace.id)
    [first] = await kept(signing, workspace)
    await signing.link(workspace)
    await heads.publish(signing.cell, workspace.id)
    at = f"audit/{workspace.id}/heads/newest.json"
    await signing.cell.bucket.put(at, first.line, heads.MEDIA_TYPE)  # as if the pointer had not been written
    newest = await heads.newest(signing.cell.bucket, workspace.id)
    assert newest is not None and newest.head.n == 2
    await signing.link(workspace)
    await heads.publish(signing.cell, workspace.id)
    assert [one.head.n for one in await kept(signing, workspace)] == [1, 2, 3]


@pytest.mark.parametrize("tamper", [cut_off, write_anew])
async def test_a_log_that_differs_from_its_head_is_said_and_gets_no_other(
    signing: World,
    workspace: Workspace,
    postgres: Postgres,
    cell_database: str,
    logged: Logged,
    tamper: Callable[[str, Workspace, int], Awaitable[None]],
) -> None:
    for _ in range(3):
        await signing.link(workspace)
    await heads.publish(signing.cell, workspace.id)
    await tamper(postgres.superuser_dsn(cell_database), workspace, 3 if tamper is cut_off else 4)
    with pytest.raises(heads.LogDiffers, match="entry 4"):
        await heads.publish(signing.cell, workspace.id)
    assert [line["seq"] for line in logged.lines if "not the one" in line["event"]] == [4]
    assert len(await kept(signing, workspace)) == 1
    await signing.run_jobs(workspace, TASKS)
    await signing._hurry(workspace)
    [job] = [job for job in await signing.jobs(workspace, log=True) if job.kind == kinds.PUBLISH_HEAD.name]
    await Runner(signing.cell.database, TASKS, signing.cell).run(job.id)
    [job] = [job for job in await signing.jobs(workspace, log=True) if job.kind == kinds.PUBLISH_HEAD.name]
    assert job.dead_at is None and job.attempts == 0  # it will be said again


async def test_a_bucket_that_is_away_is_waited_for(
    signing: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> bytes:
        raise StorageUnavailable("away")

    await signing.link(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(signing.cell.bucket, "get", away)
        assert await signing.run_jobs(workspace, TASKS, early=False) == 0
        await signing._hurry(workspace)
        assert await signing.run_jobs(workspace, TASKS) == 1
    [job] = [job for job in await signing.jobs(workspace, log=True) if job.kind == kinds.PUBLISH_HEAD.name]
    assert job.attempts == 0 and job.dead_at is None
    assert await signing.run_jobs(workspace, TASKS, early=True) == 1
    assert len(await kept(signing, workspace)) == 1


async def test_a_cell_without_a_key_publishes_heads_that_are_not_signed(world: World, workspace: Workspace) -> None:
    await heads.publish(world.cell, workspace.id)
    [head] = await kept(world, workspace)
    assert (head.key, head.signature) == ("", "")
