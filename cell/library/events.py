"""Live updates by Server-Sent Events (WHATWG HTML, section 9.2): which recording changed; pages read the row."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from redis.exceptions import RedisError

from cell.resources import Cell
from cell.security import service as security
from cell.sessions.store import ENDED, Sessions
from cell.sessions.subjects import Member
from kit import live, stopping

CHECK_S = 5  # whoever ends a session tells so; this is how soon one is noticed that ends by itself
BEAT_S = 15  # proxies close connections that are silent for long


async def stream(cell: Cell, by: Member, stop: asyncio.Event) -> AsyncIterator[bytes]:
    """Events of the workspace until the session or the process ends, or Redis goes away; browsers then connect anew."""
    sessions = Sessions(cell.redis, by.workspace.key, by.workspace_id)
    yield b"retry: 1000\n\n"
    beaten = time.monotonic()
    try:
        async with live.listen(cell.redis, by.workspace_id) as listener:
            yield b"event: hello\ndata: {}\n\n"
            while not stop.is_set() and await _goes_on(sessions, by):
                told = await stopping.unless(stop, listener.next(CHECK_S))
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
