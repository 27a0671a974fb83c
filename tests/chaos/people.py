"""A handful of people at work in both cells at once, who try again as their pages and programs do."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp

from kit.localhost import connector
from loadtest import media
from loadtest.member import Browser
from loadtest.protocol import Customer, Recording, Refused
from stack.description import Description, Workspace
from tests.e2e.scim_client import Scim, new_token, scim

CUSTOMERS = 2  # in each cell
SECONDS = 2  # of a recording, sent as fast as it goes
AGAIN_S, PAUSE_S = 0.2, 0.3
KINDS = ("recording", "page", "person")  # what shows that a cell works: one of each

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """Something that somebody did, from when to when (time.monotonic), and what was wrong with it, if anything."""

    cell: str
    kind: str
    began: float
    ended: float
    problem: str = ""


@dataclass
class People:
    """Those of one stack, and what they saw. `run` is in the titles of their links."""

    described: Description
    run: str
    steps: list[Step] = field(default_factory=list)
    told_wrong: list[str] = field(default_factory=list)  # answers that no fault excuses: what is there is not, say
    ledger: list[dict[str, Any]] = field(default_factory=list)  # as loadtest/ledger.py has it
    persons: dict[str, dict[str, str]] = field(default_factory=dict)  # workspace key -> user name -> title
    _tokens: dict[str, str] = field(default_factory=dict)  # of directories, by workspace key

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """They come, work while the block runs, and go."""
        async with aiohttp.ClientSession(connector=connector(50), cookie_jar=aiohttp.DummyCookieJar()) as http:
            tasks: list[asyncio.Task[None]] = []
            try:
                for one in self.described.workspaces:
                    tasks += [asyncio.create_task(work) for work in await self._of(one, http)]
                yield
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [one for one in ended if not isinstance(one, asyncio.CancelledError)], ended

    async def _of(self, workspace: Workspace, http: aiohttp.ClientSession) -> list[Any]:
        cell = self.described.cells[workspace.cell].url
        agent, admin = Browser(http, cell, workspace.key), Browser(http, cell, workspace.key)
        await agent.sign_in(workspace.agent.email, workspace.agent.password)
        await admin.sign_in(workspace.admin.email, workspace.admin.password)
        self._tokens[workspace.key] = await new_token(admin)
        footage = media.chunks(media.webm(SECONDS, width=160, height=120), SECONDS)
        customers = [self._customer(workspace, http, footage) for _ in range(CUSTOMERS)]
        return [*customers, self._agent(workspace, agent), self._program(workspace)]

    def well_since(self, cell: str, moment: float) -> bool:
        """Whether of each kind something was begun after that moment, and went well."""
        well = {one.kind for one in self.steps if one.cell == cell and one.began >= moment and not one.problem}
        return well >= set(KINDS)

    def problems(self, cell: str, since: float, until: float) -> list[Step]:
        """What went wrong in a cell and was not over before, nor begun after."""
        return [
            one for one in self.steps if one.cell == cell and one.problem and one.ended >= since and one.began <= until
        ]

    def took_ms(self, cell: str, since: float, until: float) -> list[float]:
        """How long each thing took that was begun and well ended in that time, recordings, which are paced, apart."""
        return [
            (one.ended - one.began) * 1000
            for one in self.steps
            if one.cell == cell and one.kind != "recording" and not one.problem
            if one.began >= since and one.ended <= until
        ]

    async def _again(self, workspace: Workspace, kind: str, call: Callable[[], Awaitable[T]]) -> T:
        """Do it until it is done. Only "later" and silence are reasons to try again; anything else ends the task."""
        while True:
            began = time.monotonic()
            try:
                done = await call()
            except (Refused, aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = f"{kind}: {type(error).__name__} {error}".strip()
                self._note(workspace, kind, began, problem)
                if isinstance(error, Refused) and error.status < 500 and error.status != 429:
                    self.told_wrong.append(problem)
                    raise _ToldWrong from error
                await asyncio.sleep(AGAIN_S)
            else:
                self._note(workspace, kind, began)
                return done

    def _note(self, workspace: Workspace, kind: str, began: float, problem: str = "") -> None:
        self.steps.append(Step(workspace.cell, kind, began, time.monotonic(), problem))

    async def _customer(self, workspace: Workspace, http: aiohttp.ClientSession, footage: list[bytes]) -> None:
        while True:
            began = time.monotonic()
            try:
                async with Customer() as customer:
                    await self._records(workspace, http, customer, footage)
                self._note(workspace, "recording", began)
            except _ToldWrong:
                pass
            await asyncio.sleep(PAUSE_S)

    async def _records(
        self, workspace: Workspace, http: aiohttp.ClientSession, customer: Customer, footage: list[bytes]
    ) -> None:
        async def again(kind: str, call: Callable[[], Awaitable[T]]) -> T:
            return await self._again(workspace, kind, call)

        link = await again("link", lambda: self._link(workspace, http))
        page = await again("open", lambda: customer.open(link))
        chosen = str(uuid4())
        recording: Recording = await again("start", lambda: customer.start(page, recording_id=chosen))
        self._wrote_down(workspace, recording.id, "begun")
        for piece in footage:
            await again("piece", partial(customer.send, recording, [piece]))
        await again("finish", lambda: customer.finish(recording))
        self._wrote_down(workspace, recording.id, "finished", SECONDS)
        while (state := (await again("state", lambda: customer.state(recording)))["state"]) != "ready":
            if state in {"failed", "abandoned"}:
                self.told_wrong.append(f"{recording.id} has {state}")
                raise _ToldWrong
            await asyncio.sleep(PAUSE_S)

    async def _link(self, workspace: Workspace, http: aiohttp.ClientSession) -> str:
        url = f"{self.described.cells[workspace.cell].url}/api/v1/links"
        headers = {"Authorization": f"Bearer {workspace.api_token}"}
        async with http.post(url, json={"title": self.run, "max_uses": 1}, headers=headers) as answer:
            body = await answer.json(content_type=None)
            if answer.status != 201:
                raise Refused(answer.status, body)
            return str(body["url"])

    def _wrote_down(self, workspace: Workspace, recording: str, said: str, seconds: int = 0) -> None:
        entry = {"workspace": workspace.key, "recording": recording, "said": said, "seconds": seconds}
        self.ledger.append(entry)

    async def _agent(self, workspace: Workspace, agent: Browser) -> None:
        async def look() -> None:
            status, _ = await agent.ask("GET", "library")
            if status != 200:
                raise Refused(status, {})

        while True:
            with suppress(_ToldWrong):
                await self._again(workspace, "page", look)
            await asyncio.sleep(PAUSE_S)

    async def _program(self, workspace: Workspace) -> None:
        """An identity provider: a person after the other is made, and given a title."""
        mine = self.persons.setdefault(workspace.key, {})
        async with self._provider(workspace) as client:
            while True:
                began, before = time.monotonic(), len(client.tried_again)
                name = f"{uuid4().hex[:12]}.chaos@{workspace.admin.email.partition('@')[2]}"
                try:
                    made = await client.create(name, title="new")
                    mine[name] = "new"
                    await client.patch(f"/Users/{made}", {"op": "replace", "path": "title", "value": "old"})
                    mine[name] = "old"
                except (AssertionError, TimeoutError) as error:  # the client's own words for a wrong answer
                    self.told_wrong.append(f"person: {error}")
                again = client.tried_again[before:]
                self._note(workspace, "person", began, f"answered {again}" if again else "")
                await asyncio.sleep(PAUSE_S)

    async def persons_found(self, workspace: Workspace) -> dict[str, str]:
        """Whom the cell has now, of those that its program made: user name -> title."""
        found: list[dict[str, Any]] = []
        async with self._provider(workspace) as client:
            while True:
                sought = {"filter": 'userName co ".chaos@"', "startIndex": str(len(found) + 1), "count": "200"}
                _, page = await client.ask("GET", "/Users", **sought)
                found += page["Resources"]
                if len(found) >= page["totalResults"]:
                    break
        assert len({one["userName"] for one in found}) == len(found), "somebody is there twice"
        return {one["userName"]: one["title"] for one in found}

    def _provider(self, workspace: Workspace) -> AbstractAsyncContextManager[Scim]:
        base = self.described.provisioning[workspace.region].url
        return scim(f"{base}/scim/v2/{workspace.key}", self._tokens[workspace.key])


class _ToldWrong(Exception):
    """It was noted; whoever was at it begins something else."""
