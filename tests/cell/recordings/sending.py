"""The browser's side of the upload protocol, for tests: grants from the cell, bytes straight to S3."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import aiohttp
import boto3
from yarl import URL

from cell.links.service import MadeLink
from cell.recordings import objects
from cell.recordings.models import Recording
from tests.cell.browser import Answer, Browser
from tests.cell.world import Workspace, World

PIECES = [b"first piece", b"second", b"the third piece"]


def sha256(body: bytes) -> str:
    return b64encode(hashlib.sha256(body).digest()).decode()


def wanted(index: int, body: bytes) -> dict[str, object]:
    """A chunk as a request for grants names it."""
    return {"index": index, "size": len(body), "sha256": sha256(body)}


def path_of(link: MadeLink) -> str:
    """The link's page on the cell."""
    return f"/r/{link.url.rsplit('/', 1)[1]}"


async def put(url: str, headers: dict[str, str], body: bytes) -> int:
    """PUT as a browser does; the status."""
    async with (
        aiohttp.ClientSession() as session,
        session.put(URL(url, encoded=True), headers=headers, data=body) as got,
    ):
        return got.status


@dataclass
class Sending:
    """One recording that a customer sends."""

    world: World
    workspace: Workspace
    link: MadeLink
    id: UUID
    base: str
    upload_token: str
    resume_token: str
    browser: Browser = field(repr=False)

    async def ask(self, verb: str, body: object, token: str | None = None) -> Answer:
        """POST to the recording, with its upload token unless told otherwise."""
        headers = {"Authorization": f"Bearer {self.upload_token if token is None else token}"}
        path = f"{self.base}/{verb}" if verb else self.base
        return await self.browser.post(path, headers=headers, json=body)

    async def grants(self, *chunks: dict[str, object], token: str | None = None) -> Answer:
        return await self.ask("grants", {"chunks": list(chunks)}, token)

    async def send(self, bodies: Sequence[bytes], first: int = 0) -> list[int]:
        """Ask for grants and put the bytes; the statuses of S3."""
        answer = await self.grants(*(wanted(first + at, body) for at, body in enumerate(bodies)))
        assert answer.status == 200, answer.text
        return [
            await put(grant["url"], grant["headers"], body)
            for grant, body in zip(answer.json["grants"], bodies, strict=True)
        ]

    async def finish(self, bodies: Sequence[bytes], **more: object) -> Answer:
        manifest = [{"size": len(body), "sha256": sha256(body)} for body in bodies]
        return await self.ask("finish", {"chunks": manifest, "duration_ms": 1000, **more})

    async def renew(self) -> Answer:
        return await self.ask("token", {}, self.resume_token)

    async def discard(self) -> Answer:
        return await self.ask("discard", {}, self.resume_token)

    async def resume(self) -> Answer:
        return await self.ask("resume", {}, self.resume_token)

    async def standing(self, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token or self.upload_token}"}
        return await self.browser.get(self.base, headers=headers)

    async def state(self) -> str:
        answer = await self.standing(self.resume_token)
        assert answer.status == 200, answer.text
        return str(answer.json["state"])

    async def row(self) -> Recording | None:
        """The row, deleted or not."""
        from sqlalchemy import select

        async with self.world.cell.database.reading(self.workspace.id) as tx:
            return await tx.first(select(Recording).where(Recording.id == self.id))

    async def there(self) -> Recording:
        row = await self.row()
        assert row is not None
        return row

    def stored(self) -> dict[str, int]:
        """Every version of every object of this recording: its name below the prefix, and how many versions."""
        config = self.world.cell.bucket.config
        client = boto3.client(
            "s3",
            endpoint_url=config.endpoint,
            region_name=config.region,
            aws_access_key_id=config.access_key,
            aws_secret_access_key=config.secret_key,
        )
        prefix = objects.prefix(self.workspace.id, self.id)
        page = client.list_object_versions(Bucket=config.bucket, Prefix=prefix)
        found: dict[str, int] = {}
        for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            name = one["Key"].removeprefix(prefix)
            found[name] = found.get(name, 0) + 1
        return found


async def start(
    world: World, workspace: Workspace, link: MadeLink, replaces: Sending | None = None, source: str = "screen"
) -> tuple[Answer, Sending | None]:
    """Begin a recording with a link; the recording, if it was begun."""
    browser = world.browser()
    body: dict[str, object] = {"source": source, "media_type": "video/webm;codecs=vp9,opus"}
    if replaces is not None:
        body["replaces"] = {"recording_id": str(replaces.id), "resume_token": replaces.resume_token}
    answer = await browser.post(f"{path_of(link)}/recordings", json=body)
    if answer.status != 201:
        return answer, None
    return answer, sending_of(world, workspace, link, browser, answer)


def sending_of(world: World, workspace: Workspace, link: MadeLink, browser: Browser, answer: Answer) -> Sending:
    """The recording that an answer says was begun."""
    said = answer.json
    return Sending(
        world,
        workspace,
        link,
        UUID(said["recording_id"]),
        said["base"],
        said["upload_token"],
        said["resume_token"],
        browser,
    )


async def begun(world: World, workspace: Workspace, **link: object) -> Sending:
    """A recording under a new link."""
    _, sending = await start(world, workspace, await world.link(workspace, **link))
    assert sending is not None
    return sending
