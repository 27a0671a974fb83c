"""What a stack must remember from one `up` to the next: its ports, passwords, keys and workspaces."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_hex, token_urlsafe

from kit.ports import free_port, is_free
from kit.signing import SigningKey
from stack.errors import StackError
from stack.files import write_private

_FORMAT = 2


@dataclass
class Workspace:
    """A demo workspace and its log-ins.

    Where it lives is known once the registry has placed it, `api_token` and `link` once its cell was seeded.
    """

    name: str
    region: str
    domain: str
    admin_password: str
    agent_password: str
    request_key: str
    id: str = ""
    key: str = ""
    cell: str = ""
    api_token: str = ""
    link: str = ""  # without scheme and host, whose port may change

    @property
    def admin(self) -> str:
        """The workspace admin's address."""
        return f"admin@{self.domain}"

    @property
    def agent(self) -> str:
        """The agent's address."""
        return f"agent@{self.domain}"


@dataclass
class State:
    """Everything one stack made up for itself. Passwords and ports appear when they are first asked for."""

    path: Path
    id: str
    cells: list[str]
    base_port: int | None = None
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)  # steps that need not be done again, and for what
    workspaces: list[Workspace] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> "State | None":
        """Read it; None where there is none yet. Raises StackError for a file that is not ours."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data.pop("format") != _FORMAT:
                raise StackError(f"{path} is of another version of Cellcast: start afresh with `up --reset`")
            data["workspaces"] = [Workspace(**one) for one in data["workspaces"]]
            return cls(path=path, **data)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise StackError(f"{path} cannot be read ({error!r}): start afresh with `up --reset`") from error

    @classmethod
    def new(cls, path: Path, cells: list[str]) -> "State":
        """The state of a new stack."""
        return cls(path=path, id=token_hex(6), cells=cells)

    def save(self) -> None:
        """Write it, mode 0600."""
        data = {name: value for name, value in asdict(self).items() if name != "path"}
        write_private(self.path, json.dumps({"format": _FORMAT, **data}, indent=2))

    def secret(self, name: str, make: Callable[[], str] = token_urlsafe) -> str:
        """The password or key of that name, made when it is first asked for."""
        if name not in self.secrets:
            self.secrets[name] = make()
        return self.secrets[name]

    def port(self, name: str) -> int:
        """The port of that name, the same at each `up` for as long as it is free.

        Raises StackError when --base-port was given and the port is taken.
        """
        if name not in self.ports:
            taken = set(self.ports.values())
            self.ports[name] = free_port(taken) if self.base_port is None else self._next(taken)
        return self.ports[name]

    def _next(self, taken: set[int]) -> int:
        port = max([*taken, (self.base_port or 0) - 1]) + 1
        if not is_free(port):
            raise StackError(f"port {port} is taken: choose another --base-port, or none to have free ones found")
        return port

    def settle_ports(self, base_port: int | None) -> None:
        """Forget the ports that cannot be kept: those in use now, or all when another --base-port is asked for."""
        if base_port is not None and base_port != self.base_port:
            self.base_port, self.ports = base_port, {}
        if self.base_port is None:
            self.ports = {name: port for name, port in self.ports.items() if is_free(port)}
        elif taken := [port for port in self.ports.values() if not is_free(port)]:
            raise StackError(f"port {taken[0]} is taken: choose another --base-port, or end what listens there")

    def workspace_of(self, region: str) -> Workspace:
        """The region's demo workspace; made up if there is none."""
        for one in self.workspaces:
            if one.region == region:
                return one
        made = Workspace(
            name=f"Acme {region.upper()}",
            region=region,
            domain=f"acme-{region}.example",
            admin_password=token_urlsafe(12),
            agent_password=token_urlsafe(12),
            request_key=token_hex(16),
        )
        self.workspaces.append(made)
        return made


def new_signing_key() -> str:
    """A key that a process signs with, as settings name it."""
    return SigningKey.new().to_text()
