"""Where metrics are read while one process takes the place of another, on a socket that both were handed."""

import os
import socket
import urllib.request
from collections.abc import Iterator

import pytest

from kit import metrics
from kit.sockets import HANDED_ON, listening


@pytest.fixture
def at() -> Iterator[socket.socket]:
    """A socket of whoever starts processes."""
    with listening("127.0.0.1:0") as made:
        yield made
    metrics.leave()


def _handed(at: socket.socket) -> str:
    """The same socket as a process gets it."""
    return f"{HANDED_ON}{os.dup(at.fileno())}"


def _answered(at: socket.socket) -> bool:
    """Whether somebody answers scrapes there."""
    with urllib.request.urlopen(f"http://127.0.0.1:{at.getsockname()[1]}/metrics", timeout=60) as said:
        return b"# HELP" in said.read()


def _left_to_others(at: socket.socket) -> bool:
    """Whether one more connection there waits for others, such as us."""
    at.settimeout(10)
    with socket.create_connection(at.getsockname()) as client:
        accepted, name = at.accept()
        accepted.close()
        return bool(name == client.getsockname())


def test_one_that_leaves_lets_another_answer(at: socket.socket) -> None:
    metrics.serve(_handed(at))
    assert _answered(at)
    metrics.leave()
    for _ in range(20):
        assert _left_to_others(at)


def test_one_that_is_to_take_a_place_is_asked_at_a_port_of_its_own_until_it_does(at: socket.socket) -> None:
    with listening("127.0.0.1:0") as own:
        metrics.serve(f"{_handed(own)},{_handed(at)}")
        assert _answered(own)
        for _ in range(20):
            assert _left_to_others(at)
        metrics.take()
        assert _answered(at)
        metrics.leave()


def test_where_nobody_else_can_answer_it_goes_on_to_the_end() -> None:
    with listening("127.0.0.1:0") as free:
        at = free.getsockname()
    metrics.serve(f"127.0.0.1:{at[1]}")
    metrics.leave()
    with urllib.request.urlopen(f"http://127.0.0.1:{at[1]}/metrics", timeout=60) as said:
        assert said.status == 200
