"""Live updates by Server-Sent Events (WHATWG HTML, section 9.2): which recording changed; pages read the row."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from redis.exceptions import RedisError

from cell.people.permissions import Permission
from cell.resources import Cell
from cell.security import service as security
from cell.sessions.store import ENDED, Sessions
from cell.sessions.subjects import Member
from kit import live, stopping
from kit.refusals import Kind, Refusal

CHECK_S = 15  # what ends a stream is told, and may be lost on the way; and sessions end by themselves too
BEAT_S = 15  # proxies close connections that are silent for long


async def stream(cell: Cell, by: Member, address: str, stop: asyncio.Event) -> AsyncIterator[bytes]:
    """Events of the workspace for `by`, who listens from this network address; browsers that may then connect anew.

    It ends with the session, with the right to listen, or with the process, and when Redis goes away.
    """
    sessions = Sessions(cell.redis, by.workspace.key, by.workspace_id)
    yield b"retry: 1000\n\n"
    beaten = looked = time.monotonic()
    try:
        async with live.listen(cell.redis, by.workspace_id) as listener:
            yield b"event: hello\ndata: {}\n\n"
            while not stop.is_set() and await _goes_on(sessions, by):
                left = looked + CHECK_S - time.monotonic()
                if left <= 0:
                    found = await _anew(cell, by, address)
                    if found is None:
                        return
                    by, looked = found, time.monotonic()
                    continue  # by a new policy the session may be over
                told = await stopping.unless(stop, listener.next(left))
                if told is not None:
                    event, facts = told
                    if event == ENDED:
                        continue
                    if event == security.CHANGED:
                        return  # whether this page may listen on is asked anew, when the browser connects again
                    yield f"event: {event}\ndata: {json.dumps(facts)}\n\n".encode()
                elif time.monotonic() - beaten > BEAT_S:
                    beaten = time.monotonic()
                    yield b": still here\n\n"
    except (RedisError, OSError):
        return


async def _goes_on(sessions: Sessions, by: Member) -> bool:
    """Whether the session has neither been ended nor come to its end; listening is no use of it."""
    session = await sessions.get(by.session.id)
    return session is not None and not session.over(by.policy.idle, by.policy.absolute)


async def _anew(cell: Cell, by: Member, address: str) -> Member | None:
    """Who listens, as a request of theirs would be judged now; None where it would be refused."""
    try:
        found = await Member.of_session(cell, by.workspace_id, by.session, address)
        found.check(Permission.RECORDINGS_READ)
    except Refusal as no:
        return by if no.kind is Kind.UNAVAILABLE else None  # a database that is away has said nothing of them
    return found
