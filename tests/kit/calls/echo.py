"""Two processes for tests of calls: one that answers on a real port, and whoever calls it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import BaseModel
from quart import Quart

from kit import serve
from kit.calls import Answers, Caller, Calls, Operation, Party
from kit.calls.nonces import Nonces
from kit.calls.refusals import SenderNotAllowed
from kit.ports import free_port
from kit.refusals import Kind, Refusal
from kit.signing import PublicKeys, SigningKey
from tests.waiting import eventually


class Said(BaseModel):
    """What goes in and out."""

    text: str


class Tired(Refusal):
    """A refusal that the caller knows."""

    kind = Kind.CONFLICT
    title = "Tired"
    detail = "Come back later."


READ = Operation("echo.read", Said, Said, writes=False, idempotent=True, refusals=(Tired,), within_s=1)
WRITE = Operation("echo.write", Said, Said, writes=True, idempotent=True, within_s=1)
ONCE = Operation("echo.once", Said, Said, writes=True, idempotent=False, within_s=1)


class Memory:
    """Nonces of one process, for tests that are not about where they are kept."""

    def __init__(self) -> None:
        self.taken: set[tuple[str, str]] = set()

    async def take(self, sender: str, nonce: str) -> bool:
        known = (sender, nonce) in self.taken
        self.taken.add((sender, nonce))
        return not known


@dataclass
class Book:
    """A directory that tests write into."""

    parties: dict[str, Party] = field(default_factory=dict)

    def find(self, name: str) -> Party | None:
        return self.parties.get(name)

    def put(self, name: str, key: SigningKey, url: str = "") -> None:
        self.parties[name] = Party(name, url, PublicKeys([key.public]))


@dataclass
class Echo:
    """A process called `echo` and a caller called `caller`, registered with one another. `heard` is what was said."""

    port: int = field(default_factory=free_port)
    key: SigningKey = field(default_factory=SigningKey.new)
    caller_key: SigningKey = field(default_factory=SigningKey.new)
    book: Book = field(default_factory=Book)
    nonces: Nonces = field(default_factory=Memory)
    heard: list[str] = field(default_factory=list)
    refusal: Exception | None = None
    hold_s: float = 0
    failures: int = 0  # how often it fails before it answers

    def __post_init__(self) -> None:
        self.book.put("echo", self.key, f"http://echo.localhost:{self.port}")
        self.book.put("caller", self.caller_key)
        self.answers = Answers("echo", self.key, self.book, self.nonces, self._may)
        for operation in (READ, WRITE, ONCE):
            self.answers.to(operation)(self._answer)

    async def _answer(self, by: Caller, said: Said) -> Said:
        self.heard.append(said.text)
        await asyncio.sleep(self.hold_s)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("broken")
        if self.refusal is not None:
            raise self.refusal
        return Said(text=f"{by.name}: {said.text}")

    async def _may(self, sender: str, operation: str, request: BaseModel) -> None:
        if isinstance(request, Said) and request.text == "forbidden":
            raise SenderNotAllowed

    def calls(self) -> Calls:
        return Calls("caller", self.caller_key, self.book)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer on the port until the block ends."""
        app = Quart("echo")

        async def behind() -> str:
            return "behind"

        app.add_url_rule("/page", "behind", behind)
        stop = asyncio.Event()
        task = asyncio.create_task(serve.serve(self.answers.in_front_of(app), f"127.0.0.1:{self.port}", stop=stop))
        await eventually(lambda: listens(self.port), 5)
        try:
            yield
        finally:
            stop.set()
            await task


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
