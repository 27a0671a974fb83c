"""A customer: opens the link, records at a real pace, sends, and waits until the agent can watch it."""

import random
import time
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from locust import task
from locust.contrib.fasthttp import FastResponse
from locust.exception import RescheduleTask

from loadtest import ledger
from loadtest.people.footage import Piece, pieces
from loadtest.people.visitor import Visitor

READY_WITHIN_S = 180.0
FIRST_LOOK_S, LONGEST_LOOK_S = 1.5, 15.0  # as the page looks
GIVES_UP_AFTER_S = 180.0  # the page itself never does; a test must end
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0


class Customer(Visitor):
    """Somebody who was sent a link. A piece that does not arrive is sent again, as the recorder's page does."""

    records_s: ClassVar[tuple[int, int]] = (60, 180)

    @task
    def record(self) -> None:
        """Once through; then another link arrives."""
        link = self._link()
        page = self._opens(link)
        base, words = self._begins(page)
        length = random.randint(*self.records_s)  # noqa: S311 - any length will do
        self._records(base, words, pieces()[:length])
        self._waits(base, words)
        self.think(1, 5)

    def _link(self) -> str:
        made = self.api(
            "api: link", "POST", "/links", expect=(201,), json={"title": f"Show us {self.mark}", "max_uses": 1}
        )
        return str(made.json()["url"])

    def _opens(self, link: str) -> str:
        answer = self.ask("router: short link", "GET", link, expect=(302,))
        page = self.location(answer)
        self.ask("customer: page", "GET", page, headers={"Accept": "text/html"})
        self.ask("customer: opened", "POST", f"{page}/opened", expect=(204,), headers=self._own)
        self.think(1, 4)
        return page

    @property
    def _own(self) -> dict[str, str]:
        return {"Origin": self.cell, "Accept": "application/json"}

    def _begins(self, page: str) -> tuple[str, dict[str, str]]:
        wanted = {"source": "screen", "media_type": "video/webm;codecs=vp8,opus", "recording_id": str(uuid4())}
        made = self._until("customer: start", "POST", f"{page}/recordings", self._own, (201,), json=wanted).json()
        parts = urlsplit(page)
        ledger.note(self.workspace, made["recording_id"], "begun")
        return f"{parts.scheme}://{parts.netloc}{made['base']}", made

    def _records(self, base: str, words: dict[str, str], all_: list[Piece]) -> None:
        begun = time.monotonic()
        for index, piece in enumerate(all_):
            time.sleep(max(0.0, begun + index + 1 - time.monotonic()))
            self._sends(base, words, index, piece)
        manifest = [{"size": len(one.content), "sha256": one.sha256} for one in all_]
        facts = {"chunks": manifest, "duration_ms": len(all_) * 1000, "media_type": "video/webm;codecs=vp8,opus"}
        self._until(
            "customer: finish", "POST", f"{base}/finish", self._bearer(words["upload_token"]), (202,), json=facts
        )
        ledger.note(self.workspace, words["recording_id"], "finished", seconds=len(all_))

    def _sends(self, base: str, words: dict[str, str], index: int, piece: Piece) -> None:
        asked = {"chunks": [{"index": index, "size": len(piece.content), "sha256": piece.sha256}]}
        token = self._bearer(words["upload_token"])
        granted = self._until("customer: grant", "POST", f"{base}/grants", token, (200,), json=asked).json()
        grant = granted["grants"][0]
        # 412: it had arrived, and only the answer was lost.
        self._until("s3: piece", "PUT", grant["url"], grant["headers"], (200, 412), data=piece.content)

    def _waits(self, base: str, words: dict[str, str]) -> None:
        begun, wait = time.monotonic(), FIRST_LOOK_S
        headers = self._bearer(words["resume_token"])
        while time.monotonic() - begun < READY_WITHIN_S:
            time.sleep(wait)
            wait = min(wait * 1.4, LONGEST_LOOK_S)
            answer = self.tried("customer: state", "GET", base, headers=headers)
            state = answer.json()["state"] if answer.status_code == 200 else ""
            if state == "ready":
                self.waited("finished to playable", time.monotonic() - begun)
                return
            if state in {"failed", "abandoned"}:
                break
        self.waited("finished to playable", time.monotonic() - begun, "not ready")
        raise RescheduleTask

    def _bearer(self, token: str) -> dict[str, str]:
        return {**self._own, "Authorization": f"Bearer {token}"}

    def _until(
        self, step: str, method: str, url: str, headers: dict[str, str], expect: tuple[int, ...], **sent: Any
    ) -> FastResponse:
        """Try again while nobody answers or the server says "later"; a refusal ends the recording."""
        wait, begun = FIRST_WAIT_S, time.monotonic()
        while True:
            answer = self.tried(step, method, url, expect=expect, headers=headers, **sent)
            if answer.status_code in expect:
                return answer
            again = answer.status_code in {0, 429} or answer.status_code >= 500
            if not again or time.monotonic() - begun > GIVES_UP_AFTER_S:
                self.think(1, 3)
                raise RescheduleTask
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)


class Crowd(Customer):
    """Many people with one link that was passed on: each opens it, few record."""

    records_s = (5, 10)
    _links: ClassVar[dict[str, str]] = {}

    def _link(self) -> str:
        key = self.workspace.key
        if key not in Crowd._links:
            wanted = {"title": f"Everybody, show us {self.mark}", "max_uses": 1000}
            made = self.api("api: link", "POST", "/links", expect=(201,), json=wanted)
            Crowd._links.setdefault(key, str(made.json()["url"]))
        return Crowd._links[key]

    @task(20)
    def look(self) -> None:
        """Open it and go away."""
        self._opens(self._link())
