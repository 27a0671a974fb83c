"""A TCP proxy between a process and its server, whose line can be slow, silent, or closed."""

import asyncio
from collections.abc import Callable

_PIECE = 64 * 1024


class Proxy:
    """Passes bytes on to 127.0.0.1:`to()`, asked at each connection. It lives in the event loop that opened it."""

    def __init__(self, to: Callable[[], int]) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0
        self.delay_s = 0.0  # of each piece, in both directions

    async def open(self, port: int = 0) -> int:
        """Listen, at a free port unless one is given; the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        """Refuse whoever comes, and cut off who is there."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    def hold(self) -> None:
        """From now on nothing passes, and nobody is told."""
        self._flows.clear()

    def let_go(self) -> None:
        """What was held passes, and all that follows."""
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to())
            self._open.add(back)
            try:
                await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
            finally:
                self._open.discard(back)
                back.close()
        except OSError:  # one of the two is gone: so is the other
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            await self._flows.wait()
            await asyncio.sleep(self.delay_s)
            writer.write(piece)
            await writer.drain()
        writer.close()
