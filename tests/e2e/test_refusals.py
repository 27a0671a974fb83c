"""What the running deployment refuses of an upload, over real HTTP: a clear problem, and nothing has changed."""

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from contracts.tokens import sign_upload
from loadtest import media
from loadtest.protocol import Customer, Recording, Refused, begun
from tests.deployment import Deployment
from tests.e2e.office import api
from tests.e2e.waiting import until

pytestmark = pytest.mark.stack

CELL = "eu-1"
CHUNKS = 6
BEYOND = 20_000  # the first index that no recording has


@asynccontextmanager
async def unchanged(deployment: Deployment, recording: Recording) -> AsyncIterator[None]:
    """Fails when, after it, the recording's rows or what S3 holds of it are not as they were before."""
    before = await _kept(deployment, recording)
    yield
    assert await _kept(deployment, recording) == before


async def _kept(deployment: Deployment, recording: Recording) -> list[object]:
    folder = deployment.description.cells[CELL].s3.data_dir
    objects = sorted((str(path), path.read_bytes()) for path in folder.rglob(f"{recording.id}/**/*") if path.is_file())
    assert objects
    database = await asyncpg.connect(deployment.superuser_dsn(CELL))
    try:
        rows: list[object] = []
        for table, column in {"recordings": "id", "recording_states": "recording_id", "manifests": "id"}.items():
            found = await database.fetch(f"select t::text from {table} t where {column} = $1 order by 1", recording.id)
            rows += [tuple(row) for row in found]
    finally:
        await database.close()
    return [*rows, *objects]


async def _refused(asked: Awaitable[object]) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        await asked
    assert refused.value.problem["detail"], "a problem says what to do"
    return refused.value.status, refused.value.slug


async def test_refused_uploads_change_nothing_and_the_recording_goes_on(deployment: Deployment) -> None:
    footage = media.chunks(media.webm(20, width=640, height=360), CHUNKS)
    async with api(deployment.description, "eu") as program:
        link = await program.link("Refusals")
    async with begun(link.url) as (customer, recording):
        await customer.send(recording, footage[:3])
        async with unchanged(deployment, recording):
            await _bytes_that_were_not_granted(customer, recording, footage[3])
            await _tokens_of_nobody(deployment, customer, recording, footage[3])
            assert await _refused(customer.grants(recording, BEYOND, footage[3:4])) == (422, "invalid")
            whole = replace(recording, chunks=[*recording.chunks, (len(footage[3]), recording.chunks[0][1])])
            assert await _refused(customer.finish(whole)) == (409, "chunks-missing")
        await customer.send(recording, footage[3:])
        await customer.finish(recording)
        assert await customer.until_settled(recording, within_s=60) == "ready"
        await _storyboard_is_made(deployment, recording)  # the last that a worker changes by itself
        async with unchanged(deployment, recording):
            assert await customer.finish(recording) == "ready"  # the same again: its answer may have been lost
            other = replace(recording, chunks=recording.chunks[:-1])
            assert await _refused(customer.finish(other)) == (409, "manifest-differs")
            assert await _refused(customer.grants(recording, CHUNKS, footage[:1])) == (409, "recording-closed")


async def _storyboard_is_made(deployment: Deployment, recording: Recording) -> None:
    database = await asyncpg.connect(deployment.superuser_dsn(CELL))

    async def made() -> bool:
        return bool(await database.fetchval("select storyboard from recordings where id = $1", recording.id))

    try:
        await until(made, 60)
    finally:
        await database.close()


async def _bytes_that_were_not_granted(customer: Customer, recording: Recording, chunk: bytes) -> None:
    [grant] = await customer.grants(recording, 3, [chunk])
    flipped = bytes([chunk[0] ^ 1]) + chunk[1:]
    assert await customer.put(grant, flipped) == 400
    assert await customer.put(grant, chunk + b"!") == 403
    assert await customer.put(grant, chunk[:-1]) == 403


async def _tokens_of_nobody(deployment: Deployment, customer: Customer, recording: Recording, chunk: bytes) -> None:
    """Forged: signed with another key. Expired: signed with the recording's own, a second too late."""
    workspace = deployment.description.workspace("eu")
    database = await asyncpg.connect(deployment.superuser_dsn(CELL))
    try:
        key = await database.fetchval("select upload_key from recordings where id = $1", recording.id)
    finally:
        await database.close()
    now = int(time.time())
    forged = sign_upload(workspace.key, UUID(recording.id), now + 60, bytes(len(key)))
    expired = sign_upload(workspace.key, UUID(recording.id), now - 1, key)
    for token, slug in ((forged, "upload-token-invalid"), (expired, "upload-token-expired")):
        asking = replace(recording, upload_token=token)
        assert await _refused(customer.grants(asking, 3, [chunk])) == (401, slug)
        assert await _refused(customer.finish(asking)) == (401, slug)
