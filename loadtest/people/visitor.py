"""What all of them share: requests that are named steps, by `.localhost` names too, and what is noted of each."""

import random
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any, ClassVar

from locust import FastHttpUser
from locust.contrib.fasthttp import FastResponse
from locust.exception import RescheduleTask

from kit.localhost import to_loopback
from loadtest import target
from loadtest.scenario import Rest
from loadtest.target import Workspace

OUTSIDE = "s3"  # where a step went that no process of ours served


class Visitor(FastHttpUser):
    """Somebody of a workspace. Each keeps to one, in turn, so that all are loaded alike."""

    abstract = True
    host = ""  # every step names its whole address
    connection_timeout = 10.0
    network_timeout = 60.0
    max_retries = 0
    only_cell: ClassVar[str | None] = None  # a scenario may keep a kind of people to one cell
    resting: ClassVar[Rest | None] = None  # when a cell's people do nothing
    seconds: ClassVar[float] = 0.0  # how long the scenario takes
    mark: ClassVar[str] = ""  # of this run: its links' titles end with it, so that its recordings are told from others
    _made: ClassVar[int] = 0
    _first_came: ClassVar[float] = 0.0

    def __init__(self, *given: Any) -> None:  # as locust hands them
        super().__init__(*given)
        here = target.current()
        own = [one for one in here.workspaces if self.only_cell in (None, one.cell)]
        self.workspace: Workspace = own[Visitor._made % len(own)]
        Visitor._first_came = Visitor._first_came or time.monotonic()
        Visitor._made += 1
        self.front_door, self.cell = here.router.url, here.cell_of(self.workspace)
        self._ours = here.hosts()
        self.pages = f"{self.cell}/w/{self.workspace.key}"
        self.cookies: dict[str, str] = {}

    def ask(
        self,
        step: str,
        method: str,
        url: str,
        *,
        expect: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
        **sent: Any,  # data or json, as locust takes them
    ) -> FastResponse:
        """One request, counted under `step`. Ends what the person was doing when the answer is another one."""
        answer = self.tried(step, method, url, expect=expect, headers=headers, **sent)
        if answer.status_code not in expect:
            self.think(1, 3)
            raise RescheduleTask
        return answer

    def tried(
        self,
        step: str,
        method: str,
        url: str,
        *,
        expect: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
        **sent: Any,
    ) -> FastResponse:
        """The same for somebody who tries again: the answer, whatever it is; status 0 for none."""
        self._rests()
        address, host = to_loopback(url)
        said = {"Host": host, **(headers or {})}
        where = self.workspace.cell if host in self._ours else OUTSIDE
        body = sent.get("data")
        sent_bytes = len(body) if isinstance(body, bytes | str) else 0
        context = {"cell": where, "sent": sent_bytes, "of": self.workspace.cell}
        with self.client.request(
            method,
            address,
            name=step,
            headers=said,
            allow_redirects=False,
            catch_response=True,
            context=context,
            **sent,
        ) as answer:
            if answer.status_code in expect:
                answer.success()
            else:
                answer.failure(f"answered {answer.status_code}")
        response: FastResponse = answer
        return response

    def waited(self, step: str, seconds: float, failure: str | None = None) -> None:
        """Note how long something took that was no request."""
        self.environment.events.request.fire(
            request_type="WAIT",
            name=step,
            response_time=seconds * 1000,
            response_length=0,
            exception=None if failure is None else RuntimeError(failure),
            context={"cell": self.workspace.cell, "sent": 0, "of": self.workspace.cell},
        )

    def _rests(self) -> None:
        """Wait while the scenario has one's cell rest."""
        if self.resting is not None and self.resting.cell == self.workspace.cell:
            begins = self.resting.at * self.seconds
            ends = begins + self.resting.lasts * self.seconds
            at = time.monotonic() - Visitor._first_came
            if begins <= at < ends:
                time.sleep(ends - at)

    @staticmethod
    def location(answer: FastResponse) -> str:
        """Where a redirect leads."""
        assert answer.headers is not None
        return str(answer.headers["Location"])

    def api(self, step: str, method: str, path: str, *, expect: tuple[int, ...] = (200,), **sent: Any) -> FastResponse:
        """A call of the JSON API with the workspace's token."""
        headers = {"Authorization": f"Bearer {self.workspace.api_token}"}
        return self.ask(step, method, f"{self.cell}/api/v1{path}", expect=expect, headers=headers, **sent)

    def page(
        self, step: str, method: str, path: str, *, expect: tuple[int, ...] = (200, 302, 303), **sent: Any
    ) -> FastResponse:
        """A page of the workspace, as a browser with a session asks for it; cookies that come back are kept."""
        headers = {
            "Accept": "text/html",
            "Origin": self.cell,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        answer = self.ask(step, method, f"{self.pages}/{path}", expect=expect, headers=headers, **sent)
        given = None if answer.headers is None else answer.headers.get("Set-Cookie")
        for line in [given] if isinstance(given, str) else given or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer

    @staticmethod
    def think(least_s: float, most_s: float) -> None:
        """Read, look, decide."""
        time.sleep(random.uniform(least_s, most_s))  # noqa: S311 - how long people think is no secret
