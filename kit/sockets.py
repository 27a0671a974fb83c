"""Sockets that listen."""

import signal
import socket

HANDED_ON = "fd://"
LET_IN = signal.SIGUSR1  # to a process that was handed two sockets, kit/serve.py
_UNREAD_MS = 30_000


def listening(bind: str, *, shared: bool = False) -> socket.socket:
    """A socket that listens at host:port, or the one at fd://N, which whoever started us handed on. Raises OSError.

    `shared`: each of several processes makes its own, and the kernel spreads connections over them.
    """
    if bind.startswith(HANDED_ON):
        given = socket.socket(fileno=int(bind.removeprefix(HANDED_ON)))
        given.set_inheritable(False)
        given.setblocking(False)
        return given
    made = bound(bind, shared=shared)
    # A client that does not read its answers is given up by the kernel (tcp(7)); accepted sockets inherit this.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.listen(1024)
    made.setblocking(False)
    return made


def bound(bind: str, *, shared: bool) -> socket.socket:
    """A socket bound to host:port, to be shared with our like or to find out that nobody has it. Raises OSError."""
    host, _, port = bind.rpartition(":")
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind((host.strip("[]"), int(port)))
    except OSError:
        made.close()
        raise
    return made
