"""How commands talk to a running supervisor: one line of JSON there, one back, over a socket in the stack's folder."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from stack.errors import StackError
from stack.files import short_socket_name
from stack.folder import Folder

LONGEST_LINE = 1 << 20
Answer = dict[str, Any]  # JSON, whose shape each command knows
Handler = Callable[[Answer], Awaitable[Answer]]


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def serve(path: Path, handle: Handler) -> asyncio.Server:
    """Answer commands until the server is closed. Who may open the folder may command."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = await _answered(handle, await reader.readline())
            writer.write(json.dumps(said, default=str).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):  # it went away, or spoke too long
            pass
        finally:
            writer.close()

    _remove(path)  # left by a stack that was killed
    with short_socket_name(path) as name:
        return await asyncio.start_unix_server(answer, name, limit=LONGEST_LINE)


async def _answered(handle: Handler, line: bytes) -> Answer:
    try:
        return await handle(json.loads(line))
    except StackError as refused:
        return {"refused": str(refused)}


def ask(folder: Folder, do: str, *, within_s: float = 90.0, **details: object) -> Answer:
    """Ask the folder's supervisor. Raises StackError when none is there, it refuses, or does not answer in time."""
    try:
        with short_socket_name(folder.control) as name, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(within_s)
            line.connect(name)
            line.sendall(json.dumps({"do": do, **details}).encode() + b"\n")
            said = json.loads(line.makefile("rb").readline(LONGEST_LINE))
    except (FileNotFoundError, ConnectionRefusedError):
        raise StackError(f"no stack is up in {folder.path}: take it up with `cellcast stack up`") from None
    except (OSError, ValueError) as error:
        raise StackError(f"the stack in {folder.path} does not answer: {error}") from error
    if "refused" in said:
        raise StackError(said["refused"])
    return dict(said)
