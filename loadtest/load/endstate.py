"""What is true after a load: everything acknowledged is there, once, whole, and can be watched."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from kit.localhost import connector
from loadtest.target import Target, Workspace

SETTLE_S = 240.0
SLACK_MS = 1500  # a recording of n seconds was cut from a longer one, wherever its last picture fell
PAGE = 200


@dataclass
class EndState:
    """Recordings by id: acknowledged and not ready in the end, ready but of another length, and made out of nothing."""

    finished: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """For the report."""
        return {
            "finished": self.finished,
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "torn": len(self.torn),
            "ids": {"lost": self.lost[:20], "doubled": self.doubled[:20], "torn": self.torn[:20]},
        }


async def read(target: Target, entries: Iterable[dict[str, Any]], run: str) -> EndState:
    """Ask every workspace for its recordings until all that were finished have settled. `run` is in their titles."""
    notes = list(entries)
    out = EndState()
    async with aiohttp.ClientSession(connector=connector()) as http:
        for workspace in target.workspaces:
            own = [one for one in notes if one["workspace"] == workspace.key]
            finished = {one["recording"]: one["seconds"] for one in own if one["said"] == "finished"}
            begun = {one["recording"] for one in own}
            kept = await _settled(http, target, workspace, set(finished), run)
            judge(out, finished, begun, kept)
    return out


def judge(out: EndState, finished: dict[str, int], begun: set[str], kept: list[dict[str, Any]]) -> None:
    """Count a workspace's recordings: `finished` (id -> seconds) and `begun` by the customers, `kept` by the cell."""
    times = Counter(one["id"] for one in kept)
    by_id = {one["id"]: one for one in kept}
    out.finished += len(finished)
    for recording, seconds in finished.items():
        there = by_id.get(recording)
        if there is None or there["state"] != "ready":
            out.lost.append(recording)
        elif abs((there["duration_ms"] or 0) - seconds * 1000) > SLACK_MS:
            out.torn.append(recording)
    # One that was begun as the load ended has no note: nobody was told of it, and it never became ready.
    strange = {one["id"] for one in kept if one["id"] not in begun and one["state"] in {"ready", "processing"}}
    out.doubled += sorted(strange | {one for one, count in times.items() if count > 1})


async def _settled(
    http: aiohttp.ClientSession, target: Target, workspace: Workspace, finished: set[str], run: str
) -> list[dict[str, Any]]:
    deadline = time.monotonic() + SETTLE_S
    while True:
        kept = await _recordings(http, target, workspace, run)
        states = {one["id"]: one["state"] for one in kept}
        waiting = [one for one in finished if states.get(one) in {"finishing", "processing", "recording"}]
        if not waiting or time.monotonic() > deadline:
            return kept
        await asyncio.sleep(1)


async def _recordings(
    http: aiohttp.ClientSession, target: Target, workspace: Workspace, run: str
) -> list[dict[str, Any]]:
    """Those of the run, page after page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    headers = {"Authorization": f"Bearer {workspace.api_token}"}
    while True:
        url = f"{target.cell_of(workspace)}/api/v1/recordings"
        params = {"limit": str(PAGE), "cursor": cursor, "q": run}
        async with http.get(url, params=params, headers=headers) as answer:
            answer.raise_for_status()
            page = await answer.json()
        found += page["recordings"]
        cursor = page["next"] or ""
        if not cursor:
            return found
