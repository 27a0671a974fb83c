"""Fixture `logged`: the lines that this process logs while a test runs."""

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest

from kit import logs


class Logged:
    """What was logged since the test began."""

    def __init__(self, stream: StringIO) -> None:
        self._stream = stream
        self._start = stream.tell()

    @property
    def text(self) -> str:
        return self._stream.getvalue()[self._start :]

    @property
    def lines(self) -> list[dict[str, Any]]:  # lines hold values of any type
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(scope="session")
def log_stream() -> StringIO:
    """Where the process logs to from now on; loggers keep it for good, so there is one for all tests."""
    stream = StringIO()
    with redirect_stdout(stream):
        logs.configure("debug", cell="eu-1")
    return stream


@pytest.fixture
def logged(log_stream: StringIO) -> Iterator[Logged]:
    """The lines of this test."""
    logs.clear()
    yield Logged(log_stream)
    logs.clear()
