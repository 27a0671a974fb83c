"""A client of the upload protocol, as the recorder's page speaks it: for benchmarks, load, and tests from outside."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from kit.localhost import connector

UPLOADS_AT_ONCE = 3  # as the page does
BATCH = 50


class Refused(Exception):
    """The cell said no. `status` and `slug` are the problem's."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('type', '')} {problem.get('detail', '')}")
        self.status = status
        self.slug = str(problem.get("type", "")).rsplit("/", 1)[-1]
        self.problem = problem


@dataclass
class Recording:
    """A recording that this client sends: its address and its words."""

    origin: str  # of the cell
    base: str  # path of its protocol
    id: str
    upload_token: str
    resume_token: str
    chunks: list[tuple[int, str]]  # (size, SHA-256 in base64) of what was sent, in order


class Customer:
    """Somebody with a browser; `async with`."""

    def __init__(self, *, connections: int = 10) -> None:
        self._http = aiohttp.ClientSession(
            connector=connector(connections),
            timeout=aiohttp.ClientTimeout(total=60),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def new_link(self, cell_url: str, api_token: str, wanted: dict[str, Any]) -> str:
        """Have a program of the workspace make a link; its address."""
        made = await self._post(f"{cell_url}/api/v1/links", wanted, token=api_token)
        return str(made["url"])

    async def open(self, link: str) -> str:
        """Open a short link at the front door; the cell's address of the recorder's page."""
        async with self._http.get(link, allow_redirects=False) as answer:
            if answer.status != 302:
                raise Refused(answer.status, {})
            page = answer.headers["Location"]
        async with self._http.get(page, headers={"Accept": "text/html"}) as answer:
            if answer.status != 200:
                raise Refused(answer.status, {})
        return page

    async def start(
        self, page: str, *, media_type: str = "video/webm;codecs=vp9,opus", recording_id: str | None = None
    ) -> Recording:
        """Take a use of the link and begin; with the same id again where the answer was lost."""
        parts = urlsplit(page)
        origin = f"{parts.scheme}://{parts.netloc}"
        wanted = {"source": "screen", "media_type": media_type, "recording_id": recording_id}
        made = await self._post(f"{page}/recordings", wanted, origin=origin)
        return Recording(origin, made["base"], made["recording_id"], made["upload_token"], made["resume_token"], [])

    async def grants(self, recording: Recording, first: int, contents: Sequence[bytes]) -> list[dict[str, Any]]:
        """Ask for grants for chunks from index `first` on."""
        wanted = [
            {"index": first + at, "size": len(content), "sha256": _sha256(content)}
            for at, content in enumerate(contents)
        ]
        answer = await self._post(
            f"{recording.origin}{recording.base}/grants", {"chunks": wanted}, token=recording.upload_token
        )
        granted: list[dict[str, Any]] = answer["grants"]
        return granted

    async def put(self, grant: dict[str, Any], content: bytes) -> int:
        """Send a chunk to the bucket; S3's status (200; 412: it is there already)."""
        async with self._http.put(grant["url"], data=content, headers=grant["headers"]) as answer:
            return answer.status

    async def send(self, recording: Recording, contents: Sequence[bytes]) -> None:
        """Send chunks after those that were sent before, some at once, as the page does."""
        first = len(recording.chunks)
        at_once = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def deliver(grant: dict[str, Any], content: bytes) -> None:
            async with at_once:
                status = await self.put(grant, content)
            if status not in (200, 412):
                raise Refused(status, {"detail": "S3 did not take a chunk"})

        for at in range(0, len(contents), BATCH):
            batch = contents[at : at + BATCH]
            granted = await self.grants(recording, first + at, batch)
            await asyncio.gather(*(deliver(grant, one) for grant, one in zip(granted, batch, strict=True)))
        recording.chunks += [(len(content), _sha256(content)) for content in contents]

    async def finish(self, recording: Recording) -> str:
        """Hand in the manifest; the state that follows."""
        chunks = [{"size": size, "sha256": sha256} for size, sha256 in recording.chunks]
        answer = await self._post(
            f"{recording.origin}{recording.base}/finish", {"chunks": chunks}, token=recording.upload_token
        )
        return str(answer["state"])

    async def discard(self, recording: Recording) -> None:
        """Throw it away."""
        await self._post(f"{recording.origin}{recording.base}/discard", {}, token=recording.resume_token)

    async def state(self, recording: Recording) -> dict[str, Any]:
        """Where it stands: `state` and `reason`."""
        headers = {"Authorization": f"Bearer {recording.resume_token}"}
        async with self._http.get(f"{recording.origin}{recording.base}", headers=headers) as answer:
            return await _answered(answer)

    async def until_settled(self, recording: Recording, *, within_s: float, every_s: float = 0.02) -> str:
        """Wait until it is ready, failed or abandoned. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                state = str((await self.state(recording))["state"])
                if state in {"ready", "failed", "abandoned"}:
                    return state
                await asyncio.sleep(every_s)

    async def _post(
        self, url: str, body: dict[str, Any], *, token: str | None = None, origin: str | None = None
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if origin is not None:
            headers["Origin"] = origin
        async with self._http.post(url, json=body, headers=headers) as answer:
            return await _answered(answer)


async def _answered(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    body: dict[str, Any] = await answer.json(content_type=None)
    if answer.status >= 400:
        raise Refused(answer.status, body)
    return body


def _sha256(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


@asynccontextmanager
async def begun(link: str) -> AsyncIterator[tuple[Customer, Recording]]:
    """A customer who opened a link and began to record."""
    async with Customer() as customer:
        yield customer, await customer.start(await customer.open(link))
