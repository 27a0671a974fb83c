"""Fixture `redis_url`: a private Redis for the tests of one process."""

import asyncio
import secrets
from collections.abc import Iterator

import pytest

from kit.ports import free_port
from stack import redis as server_program
from stack.processes import spawn
from tests.servers.folders import server_folder
from tests.waiting import until


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with server_folder("redis") as folder:
        port, password = free_port(), secrets.token_urlsafe(16)
        command = server_program.command(server_program.program(), folder / "data", port, password)
        process = spawn(command, folder / "log")
        loop = asyncio.new_event_loop()
        try:
            until(lambda: loop.run_until_complete(server_program.answers(port, password)), 30)
            yield server_program.address(port, password)
        finally:
            loop.close()
            process.kill()
            process.wait()
