"""The stack's mail server, which keeps what it is sent: `python -m stack.mail PORT FOLDER` in a process of its own.

A demo has nobody to send mail to. What the cells send is kept as files, and shown by `cellcast stack mail`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope

from stack.files import write_private
from stack.folder import Folder
from stack.processes import Command, own_environment
from stack.site import SERVERS, Part, Site
from stack.unit import Service
from stack.waiting import by_log

PROCESS = "mail"
LARGEST = 1 << 20  # bytes of a mail
_SUFFIX = ".eml"
_LOOK_S = 0.5


@dataclass(frozen=True)
class Mail:
    """A mail that arrived; `name` is its file's, and later mails have later names."""

    name: str
    to: str
    subject: str
    text: str


def mail_part(site: Site) -> Part:
    """The process."""
    port, folder = str(site.state.port(PROCESS)), folder_of(site.folder.data)
    program: list[str | Path] = [sys.executable, "-m", "stack.mail", port, folder]
    command = Command(program, own_environment() | {"PYTHONSAFEPATH": "1"})
    return Part(services=[Service(PROCESS, command, by_log("ready"), stage=SERVERS)])


def folder_of(data: Path) -> Path:
    """Where a stack keeps its mail."""
    return data / PROCESS


def mails(folder: Path, after: str = "") -> Iterator[Mail]:
    """The mails that came after that one, oldest first."""
    for file in sorted(folder.glob(f"*{_SUFFIX}")):
        if file.stem > after:
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(message, EmailMessage)
            body = message.get_body(("plain",))
            yield Mail(file.stem, str(message["To"]), str(message["Subject"]), body.get_content() if body else "")


def latest(folder: Path) -> str:
    """The name of the last mail; empty where none came yet."""
    return max((file.stem for file in folder.glob(f"*{_SUFFIX}")), default="")


def shown(mail: Mail) -> str:
    """A mail for reading in a terminal."""
    text = "".join(f"\n    {line}" for line in mail.text.strip().splitlines())
    return f"mail to {mail.to}: {mail.subject}{text}\n"


def show(folder: Folder, *, follow: bool, as_json: bool) -> None:
    """Print every mail, and with `follow` those that come, until Ctrl-C."""
    last = ""
    with suppress(KeyboardInterrupt):
        while True:
            for one in mails(folder_of(folder.data), after=last):
                print(json.dumps(asdict(one)) if as_json else shown(one), flush=True)
                last = one.name
            if not follow:
                return
            time.sleep(_LOOK_S)


class _Keeper:
    """What aiosmtpd hands each mail to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Keep the mail before it is acknowledged; half of one is never seen."""
        assert isinstance(envelope.content, bytes)
        name = f"{time.time_ns():020d}"
        content = envelope.content.replace(b"\r\n", b"\n").decode("utf-8", "replace")
        write_private(self._folder / f"{name}{_SUFFIX}", content)
        return "250 kept"


async def _serve(port: int, folder: Path) -> None:
    keeper = _Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, data_size_limit=LARGEST, hostname="localhost"), "127.0.0.1", port
    )
    print(json.dumps({"event": "ready"}), flush=True)
    async with server:
        await server.serve_forever()


def main(port: str, folder: str) -> None:
    """Answer until a signal ends the process: nothing of it is in memory only."""
    os.umask(0o077)
    Path(folder).mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(int(port), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
