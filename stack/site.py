"""What every part of a stack is built from: its folder and state, the programs it runs, what the caller asked for."""

import os
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_hex

from stack.description import Scrape
from stack.errors import StackError
from stack.files import write_private
from stack.folder import Folder
from stack.nginx import Edges
from stack.processes import Command, own_environment
from stack.state import State
from stack.supervisor import Step
from stack.unit import Service, run_to_end
from stack.waiting import by_log, said_last

# The order of stopping: what makes work first, then what answers, the servers below them last.
WORKERS, WEB, FRONT, SERVERS = range(4)
NURSERY = "nursery"
# Ends a process of ours without waiting for idle clients (kit/stopping.py): nothing stands in for it here.
QUICKLY = signal.SIGINT


@dataclass(frozen=True)
class Programs:
    """The servers' programs; PostgreSQL's is a folder."""

    postgres: Path
    redis: Path
    s3: Path


@dataclass(frozen=True)
class Part:
    """Processes and steps that belong together."""

    services: Sequence[Service] = ()
    steps: Sequence[Step] = ()


def together(*parts: Part) -> Part:
    """Several parts as one."""
    return Part(
        services=[service for part in parts for service in part.services],
        steps=[step for part in parts for step in part.steps],
    )


@dataclass(frozen=True)
class Site:
    """One stack on this machine."""

    folder: Folder
    state: State
    programs: Programs
    # Settings by process or cell: {"eu-1": {"STALLED_AFTER_S": "5"}, "router": {...}}.
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    edges: Edges | None = None  # with them, people and other parts reach cells, router and provisioning over TLS

    def inside_url(self, host: str, process: str) -> str:
        """The address of a web process by itself; `host` is a name below `.localhost`."""
        return f"http://{host}.localhost:{self.state.port(process)}"

    def url(self, host: str, process: str) -> str:
        """The address of a web process for everybody: its edge's where there are edges."""
        if self.edges is None:
            return self.inside_url(host, process)
        return f"https://{host}.localhost:{self.state.port(self.edge_of(process))}"

    def edge_of(self, process: str) -> str:
        """What the edge before a process is called."""
        return f"{process}-edge"

    def first(self, process: str) -> tuple[str, ...]:
        """What a web process waits for besides: its edge, so that whoever waits for the process finds both."""
        return () if self.edges is None else (self.edge_of(process),)

    @property
    def proxied(self) -> dict[str, str]:
        """Settings of a process behind an edge, which says whose a request is."""
        return {} if self.edges is None else {"TRUSTED_PROXIES": "127.0.0.1/32"}

    @property
    def environment(self) -> dict[str, str]:
        """What every process of ours starts from: it trusts the edges."""
        trusted = {"SSL_CERT_FILE": str(self.edges.authority.trusted)} if self.edges else {}
        return own_environment() | trusted

    @property
    def router_url(self) -> str:
        """The front door's address."""
        return self.url("go", "router")

    @property
    def smtp_url(self) -> str:
        """The mail server's address."""
        return f"smtp://127.0.0.1:{self.state.port('mail')}"

    @property
    def domain_key(self) -> str:
        """What cells and routers hash domains with."""
        return self.state.secret("domains", partial(token_hex, 32))

    def scrape(self, process: str, /, **labels: str) -> Scrape:
        """Where a process of ours shows its metrics."""
        return Scrape(address=f"127.0.0.1:{self.state.port(f'{process}-metrics')}", labels=labels)

    def cellcast(
        self, words: str | Sequence[str], prefix: str, settings: Mapping[str, str], targets: Sequence[str] = ()
    ) -> Command:
        """A command of `cellcast` with its settings, and over them what was asked for one of the `targets`."""
        given = words.split() if isinstance(words, str) else words
        asked: dict[str, str] = {}
        for target in targets:
            asked.update(self.overrides.get(target, {}))
        environment = {f"{prefix}{name}": value for name, value in {**settings, **asked}.items()}
        program = Path(sysconfig.get_path("scripts")) / "cellcast"
        # A failure's last line is then its reason, which rich would have wrapped.
        environment |= {"TYPER_STANDARD_TRACEBACK": "1", "TYPER_USE_RICH": "0"}
        return Command([program, *given], self.environment | environment, nursery=self.folder.nursery)

    async def run(self, name: str, command: Command, given: str = "") -> str:
        """Run a command that does one thing; what it answers on stdout. `given` goes to its stdin.

        Raises StackError with what it said last.
        """
        log = self.folder.log(name)
        begin = log.stat().st_size if log.exists() else 0
        # The answer may hold a token: it goes through a file of our own, never into the log.
        with tempfile.TemporaryDirectory(dir=self.folder.run) as place:
            stdin, stdout = Path(place, "in"), Path(place, "out")
            write_private(stdin, given)
            code = await run_to_end(command, log, stdin, stdout)
            if code:
                raise StackError(f"{name} ended with {code}: {said_last(log, begin)} (see {log})")
            return _text(stdout)


def nursery_part(site: Site) -> Part:
    """What every process of Cellcast's own is forked from; those name it in their `after`."""
    program: list[str | Path] = [sys.executable, "-m", "stack.nursery", site.folder.nursery, str(os.getpid())]
    command = Command(program, site.environment | {"PYTHONSAFEPATH": "1"})
    return Part(services=[Service(NURSERY, command, by_log("ready"), stage=SERVERS)])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
