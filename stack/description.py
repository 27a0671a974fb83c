"""stack.json: how tests, load tests and tools attach to a running stack. What is not built yet is absent."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stack.files import write_private


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Router(_Part):
    """The front door."""

    url: str


class Edge(_Part):
    """Who certified the addresses: a file with the certificate, and SHA-256 of its public key in base64."""

    ca: Path
    pin: str


class ControlPlane(_Part):
    """The global part; with the token of an operator. `dsn` is the registry's database, as the application's role."""

    url: str
    dsn: str
    operator_token: str


class Provisioning(_Part):
    """A region's provisioning."""

    url: str
    redis_url: str


class Mail(_Part):
    """The mail server, and the folder where it keeps what it was sent."""

    smtp_url: str
    folder: Path


class S3(_Part):
    """A cell's bucket: the restricted account's keys, and the folder that holds the objects."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    data_dir: Path


class Cell(_Part):
    """A cell: `dsn` is the application's role, `owner_dsn` that of migrations."""

    region: str
    url: str
    dsn: str
    owner_dsn: str
    redis_url: str
    s3: S3


class Login(_Part):
    """A person who may sign in."""

    email: str
    password: str


class Workspace(_Part):
    """A demo workspace. `link` is a ready short link; it and the token are absent when they were lost."""

    key: str
    id: str
    region: str
    cell: str
    admin: Login
    agent: Login
    api_token: str | None = None
    link: str | None = None


class Process(_Part):
    """A process of the stack, named like `router` or `eu-1-web`; without a pid while it is stopped."""

    name: str
    pid: int | None = None
    log: Path


class Scrape(_Part):
    """Where Prometheus may read a process's metrics, host:port, and the labels by which rules and dashboards go."""

    address: str
    labels: dict[str, str]


class Description(_Part):
    """Everything there is to know of a running stack; URLs are of `*.localhost` hosts, with an edge over TLS."""

    router: Router
    control_plane: ControlPlane
    provisioning: dict[str, Provisioning]
    mail: Mail
    cells: dict[str, Cell]
    workspaces: list[Workspace]
    processes: list[Process]
    scrapes: list[Scrape] = []
    edge: Edge | None = None

    @classmethod
    def load(cls, path: Path) -> "Description":
        """Read a stack.json. Raises OSError when there is none, ValueError when it is not one."""
        return cls.model_validate_json(path.read_bytes())

    def write(self, path: Path) -> None:
        """Write it, mode 0600: it holds passwords."""
        write_private(path, self.model_dump_json(indent=2, exclude_none=True))

    def process(self, name: str) -> Process:
        """A process by its name. Raises KeyError."""
        return {one.name: one for one in self.processes}[name]

    def workspace(self, region: str) -> Workspace:
        """The demo workspace of a region. Raises KeyError."""
        return {one.region: one for one in self.workspaces}[region]
