"""How the stack knows that something works: by asking it over HTTP, or by reading what it says in its log."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

ANSWER_S = 3.0  # one question takes no longer, else it is asked again

# Asked again and again with the log of the process and where its present life begins in it.
Check = Callable[[Path, int], Awaitable[bool]]


def over_http(port: int, path: str, host: str, wanted: bytes = b"200", trusting: Path | None = None) -> Check:
    """Ready when the path answers with that status to a request for that host; over TLS with an authority to trust."""
    tls = ssl.create_default_context(cafile=trusting) if trusting else None

    async def check(_: Path, __: int) -> bool:
        try:
            return await asyncio.wait_for(_status(port, path, host, tls), ANSWER_S) == wanted
        except (OSError, TimeoutError, IndexError):
            return False

    return check


async def _status(port: int, path: str, host: str, tls: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=host if tls else None)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        return (await reader.readline()).split()[1]
    finally:
        writer.close()


def by_log(event: str) -> Check:
    """Ready when the process has logged a line of JSON with that event."""

    async def check(log: Path, begin: int) -> bool:
        try:
            with log.open("rb") as file:
                file.seek(begin)
                return any(_is_event(line, event) for line in file if event.encode() in line)
        except FileNotFoundError:  # the process itself makes its log, in a moment
            return False

    return check


def _is_event(line: bytes, event: str) -> bool:
    try:
        return bool(json.loads(line)["event"] == event)
    except (ValueError, KeyError, TypeError):
        return False


def said_last(log: Path, begin: int) -> str:
    """The last thing a process said before it ended: an event with its error, or the last line as it is."""
    if not log.exists():
        return "it said nothing"
    with log.open("rb") as file:
        file.seek(begin)
        lines = [line for line in file.read()[-8192:].decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    try:
        said = json.loads(lines[-1])
        return " ".join(str(said[name]) for name in ("event", "error", "reason") if name in said)
    except (ValueError, TypeError):
        return lines[-1].strip()[:300]
