"""Serves HTTP/1.1 on Hypercorn with bounds on what a client may hold: connections, time, and nothing but HTTP/1.1.

Hypercorn's own server gives an idle connection a task of its own for its time-out; here one sweep looks at all of
them. What a slow client can hold is then a matter of three numbers, and each request costs less.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import h11
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ASGIFramework, ConnectionState, LifespanState
from hypercorn.utils import parse_socket_addr

HEAD_S = 10.0  # from a request's first byte to the end of its head
ANSWER_S = 10.0  # from there to the end of the answer
# A load balancer in front keeps its idle connections for 60 s; ours must outlive them.
IDLE_S = 75.0
GRACE_S = 25.0
_MOST = 10_000  # connections of a worker
_SWEEP_S = 1.0


class _Http1(H11Protocol):
    """HTTP/1.1 alone: an offer of HTTP/2 in clear text is not taken up."""

    async def _check_protocol(self, event: h11.Request) -> None:
        pass


class _Connection(TCPServer):
    """One client. `deadline` is when it is cut off, in the loop's time."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server.app, loop, server.config, server.context, LifespanState({}), reader, writer)
        self.task = asyncio.current_task()
        self.deadline = loop.time() + HEAD_S
        self.idle = False

    async def run(self) -> None:
        """Answer until either side ends it."""
        peer = self.writer.get_extra_info("socket")
        try:
            client = parse_socket_addr(peer.family, peer.getpeername())
            ours = parse_socket_addr(peer.family, peer.getsockname())
            async with TaskGroup(self.loop) as tasks:
                state = ConnectionState(self.state)
                self.protocol = _Http1(  # type: ignore[assignment]  # it is all that is used of the wrapper
                    self.app, self.config, self.context, tasks, state, False, client, ours, self.protocol_send
                )
                await self._read_data()
        except OSError:
            pass
        finally:
            self.writer.close()

    async def _read_data(self) -> None:
        while data := await self._read():
            if self.idle:
                self.idle = False
                self.deadline = self.loop.time() + HEAD_S
            await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())

    async def _read(self) -> bytes:
        try:
            return await self.reader.read(MAX_RECV)
        except OSError:
            return b""

    async def protocol_send(self, event: Event) -> None:
        """What the protocol has to say: bytes, the end, or whether a request is under way."""
        if isinstance(event, Updated):
            self.idle = event.idle
            self.deadline = self.loop.time() + (IDLE_S if event.idle else ANSWER_S)
            if event.idle and self.context.terminated.is_set():
                self.writer.close()
        elif isinstance(event, Closed):
            self.writer.close()
        else:
            await super().protocol_send(event)


class Server:
    """Answers on a socket. `count` is told each change of the number of connections, `cut` each that is cut off."""

    def __init__(
        self,
        app: ASGIFramework,
        per_address: int,
        exempt: Callable[[str], bool],
        count: Callable[[int], None],
        cut: Callable[[], None],
    ) -> None:
        self.app = ASGIWrapper(app)
        self.context = WorkerContext(None)
        self.config = Config()
        self.config.errorlog = None
        self.config.include_server_header = False
        self.config.h11_max_incomplete_size = 16 * 1024  # request line and headers together
        self._per_address = per_address
        self._exempt = exempt
        self._count = count
        self._cut = cut
        self._open: set[_Connection] = set()
        self._by_address: Counter[str] = Counter()

    async def serve(self, at: socket.socket, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, then let what is in flight finish."""
        server = await asyncio.start_server(self._accept, sock=at, backlog=1024)
        sweeping = asyncio.create_task(self._sweep())
        await stop.wait()
        server.close()
        await self.context.terminated.set()
        for one in self._open:
            if one.idle:
                one.writer.close()
        tasks = [one.task for one in self._open if one.task]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_S)
        sweeping.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("",))[0])
        full = len(self._open) >= _MOST or self._by_address[address] >= self._per_address
        if full and not (len(self._open) < _MOST and self._exempt(address)):
            self._cut()
            writer.transport.abort()
            return
        connection = _Connection(self, reader, writer)
        self._open.add(connection)
        self._by_address[address] += 1
        self._count(len(self._open))
        try:
            with suppress(asyncio.CancelledError):  # it was cut off
                await connection.run()
        finally:
            self._open.discard(connection)
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            self._count(len(self._open))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = asyncio.get_running_loop().time()
            for late in [one for one in self._open if one.deadline < now]:
                if not late.idle:
                    self._cut()
                late.writer.transport.abort()
                if late.task:
                    late.task.cancel()
