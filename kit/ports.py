"""Finds ports of this machine that nothing listens on."""

import random
import socket

# Below the range the kernel gives to outgoing connections (32768 up, ip(7)): a port we keep for a folder is then
# still free at its next start.
_LOWEST, _HIGHEST = 18000, 32000


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: frozenset[int] | set[int] = frozenset()) -> int:
    """A free port that is not in `taken`; random, so that two stacks that start at once do not collide."""
    while True:
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - not a secret
        if port not in taken and is_free(port):
            return port
