"""All clients of a process: who is let in, how long they may take, and how it ends."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

from hypercorn.typing import ASGIFramework

from kit import logs
from kit.http.connection import Connection
from kit.stopping import Stop

GRACE_S = 25.0  # what is in flight gets this long when the server ends; below Kubernetes' 30 s, after which it kills
DRAIN_S = 5.0  # and a client that has a connection open so long to say something on it, and hear that it ends
_SWEEP_S = 1.0
_AT_ONCE = 100  # connections that are let in before others get their turn
_FULL = frozenset({EMFILE, ENFILE, ENOBUFS, ENOMEM})

log = logs.get("http")


@dataclass(frozen=True)
class Bounds:
    """What clients may hold. Times in seconds."""

    head_s: float = 10.0  # from a request's first byte to the end of its head
    answer_s: float | None = None  # from there to the end of the answer
    # A load balancer in front keeps its idle connections for 60 s; ours must outlive them, else it writes into one
    # that we are just closing and the visitor sees a 502.
    idle_s: float = 75.0
    connections: int = 10_000
    per_address: int = 10_000


def _nobody(_: str) -> bool:
    return False


class Server:
    """Answers on a socket. `count` is told each change of the number of connections, `cut` each that is cut off.

    The bound for one address does not hold for those that are `exempt`.
    """

    def __init__(
        self,
        app: ASGIFramework,
        bounds: Bounds = Bounds(),
        exempt: Callable[[str], bool] = _nobody,
        count: Callable[[int], None] = lambda _: None,
        cut: Callable[[], None] = lambda: None,
    ) -> None:
        self.app = app
        self.bounds = bounds
        self.ending = False
        self.date = b""
        self._exempt = exempt
        self._count = count
        self._cut = cut
        self._open: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self._beginning: set[asyncio.Task[object]] = set()

    async def serve(self, at: socket.socket, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, then let what is in flight finish: patiently only if it is a Stop that says so.

        The socket is closed.
        """
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self._at = at
        self._set_date()
        loop.add_reader(at, self._accept)
        sweeping = loop.create_task(self._sweep())
        try:
            await stop.wait()
        finally:
            self.ending = True
            loop.remove_reader(at)
            at.close()
        await self._drain(DRAIN_S if isinstance(stop, Stop) and stop.patient else 0.0)
        sweeping.cancel()

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self._open.discard(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        self._count(len(self._open))

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, name = self._at.accept()
            except BlockingIOError:  # another process of ours was quicker
                return
            except OSError as error:
                if error.errno in _FULL:
                    self._pause(error)
                    return
                continue  # it has gone again
            address = str(name[0])
            if not self._lets_in(address):
                self._cut()
                client.close()
                continue
            client.setblocking(False)
            self._begin(Connection(self, address), client)

    def _lets_in(self, address: str) -> bool:
        if len(self._open) >= self.bounds.connections:
            return False
        return self._by_address[address] < self.bounds.per_address or self._exempt(address)

    def _begin(self, connection: Connection, client: socket.socket) -> None:
        self._open.add(connection)
        self._by_address[connection.address] += 1
        self._count(len(self._open))
        loop = asyncio.get_running_loop()
        beginning: asyncio.Task[object] = loop.create_task(loop.connect_accepted_socket(lambda: connection, client))
        self._beginning.add(beginning)
        beginning.add_done_callback(self._beginning.discard)

    def _pause(self, error: OSError) -> None:
        """Without file descriptors nobody can be let in: the loop would be told of them without end."""
        log.error("no connection can be taken", error=error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._at)
        loop.call_later(1.0, lambda: None if self.ending else loop.add_reader(self._at, self._accept))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._set_date()
            now = self.now()
            for late in [one for one in self._open if one.deadline < now]:
                if not late.idle:
                    self._cut()
                late.cut()

    def _set_date(self) -> None:
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()

    async def _drain(self, idle_s: float) -> None:
        """Every answer now ends its connection. After `idle_s` those end that ask for nothing, after GRACE_S all."""
        end = self.now() + GRACE_S
        idle_end = self.now() + idle_s
        while self._open and self.now() < end:
            if self.now() >= idle_end:
                for one in [one for one in self._open if one.idle]:
                    one.close()
            await asyncio.sleep(0.05)
        for one in list(self._open):
            one.cut()
        await asyncio.sleep(0)
