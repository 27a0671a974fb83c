"""A cell of the stack: PostgreSQL, Redis and S3 of its own, and its web, worker and scheduler."""

import asyncio
import hashlib
import secrets
import time
from functools import partial
from urllib.parse import urlsplit

from stack import description, s3
from stack.edge import edge_part, edge_scrapes
from stack.errors import StackError
from stack.handing import Handing, of_web
from stack.membership import Kind, Membership
from stack.processes import Command
from stack.published import Published
from stack.registry import Registry
from stack.servers import Cache, Database
from stack.site import NURSERY, QUICKLY, SERVERS, WEB, WORKERS, Part, Site, together
from stack.supervisor import Step
from stack.unit import Service
from stack.waiting import Check, by_log, over_http

PREFIX = "CELLCAST_CELL_"
_HEARD_WITHIN_S = 30.0
CAPACITY = 1000  # units, of which a small workspace takes one: more than anybody makes on one machine


def bucket_server(site: Site, name: str) -> s3.Server:
    """The S3 server of a cell."""
    return s3.Server(
        program=site.programs.s3,
        port=site.state.port(f"{name}-s3"),
        region=s3.REGIONS[region_of(name)],
        folder=site.folder.of_part(name) / "s3",
        root=s3.Keys(f"root-{name}", site.state.secret(f"{name}-s3-root")),
    )


def region_of(name: str) -> str:
    """The region that a cell's name begins with."""
    return name.partition("-")[0]


class CellSite:
    """Names, addresses and settings of one cell; `part` is all that runs for it."""

    def __init__(self, site: Site, registry: Registry, name: str, published: Published) -> None:
        self.site, self.name, self._published, self._registry = site, name, published, registry
        self.heard = f"{name}-heard"
        self.region = region_of(name)
        self._database, self._redis = Database(site, name), Cache(site, name)
        self._s3, self._s3_process = bucket_server(site, name), f"{name}-s3"
        self._s3_keys = s3.Keys(f"cellcast-{name}", site.state.secret(f"{name}-s3"))
        self._web = f"{name}-web"
        self.url = site.url(name, self._web)
        facts = ("--capacity", str(CAPACITY), "--open")
        kind = Kind(group="cells", url="--cell-url", facts=facts, audience=f"cell/{name}")
        self._membership = Membership(site, registry, name, self.url, kind)
        self._bucket_step = f"{name}-bucket"

    @property
    def described(self) -> description.Cell:
        """For stack.json."""
        return description.Cell(
            region=self.region,
            url=self.url,
            dsn=self._database.dsn,
            owner_dsn=self._database.owner_dsn,
            redis_url=self._redis.url,
            s3=description.S3(
                endpoint=self._s3.endpoint,
                bucket=f"cellcast-{self.name}",
                access_key=self._s3_keys.access,
                secret_key=self._s3_keys.secret,
                data_dir=self._s3.data,
            ),
        )

    @property
    def registered(self) -> str:
        """The step after which the registry knows it."""
        return self._membership.step

    def command(self, verb: str, process: str = "", **more: str) -> Command:
        """A command of this cell. A process that goes on follows the registry; one that does one thing needs none."""
        settings = {**self._settings(), **more}
        if process:
            settings |= {"PUBLISHED_BUCKET": self._published.reader, **self._membership.settings}
            settings["METRICS_BIND"] = self._scrape(process.removeprefix(f"{self.name}-")).address
        return self.site.cellcast(f"cell {verb}", PREFIX, settings, (self.name, process))

    @property
    def scrapes(self) -> list[description.Scrape]:
        """Where its processes show their metrics."""
        own = [self._scrape(kind) for kind in ("web", "worker", "scheduler")]
        return [*own, *edge_scrapes(self.site, own[0], self._web)]

    def _scrape(self, kind: str) -> description.Scrape:
        labels = {"part": "cell", "process": kind, "region": self.region, "cell": self.name}
        return self.site.scrape(f"{self.name}-{kind}", **labels)

    def _settings(self) -> dict[str, str]:
        scratch = self.site.folder.of_part(self.name) / "scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        described = self.described
        return {
            "NAME": self.name,
            "REGION": self.region,
            "BIND": f"127.0.0.1:{self.site.state.port(self._web)}",
            "URL": self.url,
            "GO_URL": self.site.router_url,
            "DATABASE_URL": described.dsn,
            "REDIS_URL": described.redis_url,
            "S3_ENDPOINT": described.s3.endpoint,
            "S3_BUCKET": described.s3.bucket,
            "S3_REGION": self._s3.region,
            "S3_ACCESS_KEY": described.s3.access_key,
            "S3_SECRET_KEY": described.s3.secret_key,
            "MASTER_KEY": self.site.state.secret(f"{self.name}-master", partial(secrets.token_hex, 32)),
            "DOMAIN_KEY": self.site.domain_key,
            "SCRATCH_DIR": str(scratch),
            "SMTP_URL": self.site.smtp_url,
            **self.site.proxied,
        }

    def part(self) -> Part:
        """The table of the cell's processes, and of what is done once before them."""
        host, port = urlsplit(self.url).netloc, self.site.state.port(self._web)
        own = Part(
            services=[
                Service(
                    self._s3_process,
                    s3.command(self._s3),
                    over_http(self._s3.port, s3.HEALTH, "127.0.0.1"),
                    stage=SERVERS,
                ),
                self._process("web", "serve", over_http(port, "/readyz", host), WEB, of_web(PREFIX, host, keeps=True)),
                self._process("worker", "worker", by_log("ready"), WORKERS),
                self._process("scheduler", "scheduler", by_log("ready"), WORKERS),
            ],
            steps=[Step(self._bucket_step, self._make_bucket, after=(self._s3_process,)), *self._heard()],
        )
        migrate = self.command("migrate", OWNER_DATABASE_URL=self._database.owner_dsn)
        edge = edge_part(self.site, self._web, self.url)
        return together(self._database.part(migrate), self._redis.part(), self._membership.part(), edge, own)

    def _process(self, kind: str, verb: str, ready: Check, stage: int, handing: Handing | None = None) -> Service:
        name = f"{self.name}-{kind}"
        servers = (self._database.migrations, self._redis.process, self._bucket_step)
        edge = self.site.first(name) if name == self._web else ()
        after = (NURSERY, *servers, self._membership.step, *edge)
        return Service(name, partial(self.command, verb, name), ready, after, stage, QUICKLY, handing=handing)

    @property
    def is_new(self) -> bool:
        """Whether the registry has not heard of it yet, which it waits for then: only such cells get workspaces."""
        return self.heard not in self.site.state.done

    def _heard(self) -> list[Step]:
        after = (f"{self.name}-scheduler", *self._registry.ready)
        return [Step(self.heard, self._until_heard, after)] if self.is_new else []

    async def _until_heard(self) -> None:
        deadline = time.monotonic() + _HEARD_WITHIN_S
        while not (await self._registry.operator.ask(self.heard, "cells", "show", self.name))["heard_at"]:
            if time.monotonic() > deadline:
                raise StackError(f"the registry did not hear of {self.name} within {_HEARD_WITHIN_S:g} s")
            await asyncio.sleep(0.1)
        self.site.state.done[self.heard] = self.name
        self.site.state.save()

    async def _make_bucket(self) -> None:
        """Once, and again when the cell's address has changed, which stands in the bucket's CORS rules."""
        step, given = self._bucket_step, (self._s3, self.described.s3.bucket, self._s3_keys, self.url)
        wanted = hashlib.sha256(f"{s3.RULES}{self.url}".encode()).hexdigest()
        if self.site.state.done.get(step) != wanted:
            await asyncio.to_thread(s3.prepare, *given)
            self.site.state.done[step] = wanted
            self.site.state.save()
