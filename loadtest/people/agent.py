"""An agent: has the library open with its live updates, watches what arrived, makes links."""

import random
import re
from typing import ClassVar

import gevent
from gevent.event import AsyncResult
from locust import between, task

from loadtest.people.visitor import Visitor

_ROW = re.compile(
    r'id="recording-([0-9a-f-]{36})"[^>]*data-state="ready"|data-state="ready"[^>]*id="recording-([0-9a-f-]{36})"'
)
WATCHED = "bytes=0-199999"


class Member(Visitor):
    """Somebody with a password. A workspace's people share a session: hashing passwords has a scenario of its own."""

    abstract = True
    role: ClassVar[str] = "agent"
    _sessions: ClassVar[dict[tuple[str, str], "AsyncResult[dict[str, str]]"]] = {}

    def on_start(self) -> None:
        """Sign in, or take over the session of the one who did."""
        mine = (self.workspace.key, self.role)
        if mine not in Member._sessions:
            Member._sessions[mine] = AsyncResult()
            try:
                self._sign_in()
            finally:  # whoever waits for it goes on either way
                Member._sessions[mine].set(dict(self.cookies))
        self.cookies = dict(Member._sessions[mine].get(timeout=60) or {})

    def _sign_in(self) -> None:
        login = self.workspace.admin if self.role == "admin" else self.workspace.agent
        sent = {"email": login.email, "password": login.password}
        self.page("sign in", "POST", "sign-in", expect=(303,), data=sent)


class Agent(Member):
    """Works in the library."""

    wait_time = between(2, 6)
    _live: "gevent.Greenlet[..., None] | None" = None  # until they have signed in

    def on_start(self) -> None:
        """Live updates run as long as the agent does."""
        super().on_start()
        self._seen: list[str] = []
        self._live = gevent.spawn(self._listen)

    def on_stop(self) -> None:
        """Close the tab."""
        if self._live is not None:
            self._live.kill(block=False)

    @task(6)
    def library(self) -> None:
        """Look at the list."""
        text = self.page("agent: library", "GET", "library", expect=(200,)).text or ""
        self._seen = [one or other for one, other in _ROW.findall(text)]

    @task(3)
    def watch(self) -> None:
        """Open one that is ready; its first bytes come from the bucket."""
        if not self._seen:
            self.library()
            return
        recording = random.choice(self._seen[:20])  # noqa: S311 - any of them
        self.page("agent: recording", "GET", f"recordings/{recording}", expect=(200, 404))
        lead = self.page("agent: video", "GET", f"recordings/{recording}/video", expect=(302, 303, 307, 404))
        if lead.status_code != 404:
            self.ask("s3: video", "GET", self.location(lead), expect=(206,), headers={"Range": WATCHED})

    @task(1)
    def link(self) -> None:
        """Make a link."""
        self.page("agent: new link", "POST", "links", expect=(200, 201, 303), data=_LINK)

    def _listen(self) -> None:
        """Keep the stream of live updates open; what arrives is read and dropped."""
        while True:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"Accept": "text/event-stream", "Cookie": cookies}
            answer = self.tried("agent: live", "GET", f"{self.pages}/events", headers=headers, stream=True)
            if answer.status_code == 200:
                try:
                    while answer.read(256):
                        pass
                except OSError:
                    pass  # cut off: the page connects again, too
            gevent.sleep(1)


_LINK = {"title": "Show us what happens", "ticket": "T-1", "expires_in_hours": "24", "uses": "1", "allows": "screen"}
