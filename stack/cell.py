"""A cell of the stack: PostgreSQL, Redis and S3 of its own, and its web, worker and scheduler."""

import asyncio
import hashlib
import json
import secrets
import signal
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from stack import description, postgres, redis, s3
from stack.site import NURSERY, SERVERS, WEB, WORKERS, Part, Site
from stack.state import Workspace
from stack.supervisor import Step
from stack.unit import Service
from stack.waiting import Check, by_log, over_http

PREFIX = "CELLCAST_CELL_"


class CellSite:
    """Names, addresses and settings of one cell; `part` is all that runs for it."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        self.region = name.partition("-")[0]
        self.workspace = site.state.workspace_of(self.region, name)
        state, folder = site.state, site.folder
        self._database = postgres.Server(
            site.programs.postgres, state.port(f"{name}-postgres"), state.secret(f"{name}-postgres")
        )
        self._postgres_data = folder.postgres_data(name, state.id)
        self._s3 = s3.Server(
            program=site.programs.s3,
            port=state.port(f"{name}-s3"),
            region=s3.REGIONS[self.region],
            folder=folder.of_cell(name) / "s3",
            root=s3.Keys(f"root-{name}", state.secret(f"{name}-s3-root")),
        )
        self._s3_keys = s3.Keys(f"cellcast-{name}", state.secret(f"{name}-s3"))
        self._redis_port, self._redis_password = state.port(f"{name}-redis"), state.secret(f"{name}-redis")
        self.url = site.url(name, f"{name}-web")
        self.described = self._describe()

    def _describe(self) -> description.Cell:
        return description.Cell(
            region=self.region,
            url=self.url,
            dsn=self._dsn(postgres.APP),
            owner_dsn=self._dsn(postgres.OWNER),
            redis_url=redis.address(self._redis_port, self._redis_password),
            s3=description.S3(
                endpoint=self._s3.endpoint,
                bucket=f"cellcast-{self.name}",
                access_key=self._s3_keys.access,
                secret_key=self._s3_keys.secret,
                data_dir=self._s3.data,
            ),
        )

    def _password(self, role: str) -> str:
        return self.site.state.secret(f"{self.name}-{role}")

    def _dsn(self, role: str) -> str:
        return postgres.address(self._database.port, postgres.DATABASE, role, self._password(role))

    @property
    def settings(self) -> dict[str, str]:
        """The settings of every process of the cell; only migrations get the owner's address beside."""
        scratch = self.site.folder.of_cell(self.name) / "scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        return {
            "NAME": self.name,
            "REGION": self.region,
            "BIND": f"127.0.0.1:{self.site.state.port(f'{self.name}-web')}",
            "URL": self.url,
            "GO_URL": self.site.router_url,
            "DATABASE_URL": self.described.dsn,
            "REDIS_URL": self.described.redis_url,
            "S3_ENDPOINT": self.described.s3.endpoint,
            "S3_BUCKET": self.described.s3.bucket,
            "S3_REGION": self._s3.region,
            "S3_ACCESS_KEY": self._s3_keys.access,
            "S3_SECRET_KEY": self._s3_keys.secret,
            "MASTER_KEY": self.site.state.secret(f"{self.name}-master", partial(secrets.token_hex, 32)),
            "SCRATCH_DIR": str(scratch),
        }

    def part(self) -> Part:
        """The table of the cell's processes, and of what is done once before them."""
        name, site = self.name, self.site
        host = urlsplit(self.url).netloc
        servers = (NURSERY, f"{name}-migrations", f"{name}-redis", f"{name}-bucket")
        return Part(
            services=[
                Service(
                    f"{name}-postgres",
                    postgres.command(site.programs.postgres, self._postgres_data, self._database.port),
                    self._database_answers(),
                    after=(f"{name}-data",),
                    stage=SERVERS,
                    stop_signal=signal.SIGINT,  # "fast": it ends its clients, and itself cleanly
                ),
                Service(
                    f"{name}-redis",
                    redis.command(
                        site.programs.redis,
                        site.folder.of_cell(name) / "redis",
                        self._redis_port,
                        self._redis_password,
                    ),
                    self._redis_answers(),
                    stage=SERVERS,
                ),
                Service(
                    f"{name}-s3",
                    s3.command(self._s3),
                    over_http(self._s3.port, s3.HEALTH, "127.0.0.1"),
                    stage=SERVERS,
                ),
                self._process("web", "serve", over_http(site.state.port(f"{name}-web"), "/readyz", host), servers, WEB),
                self._process("worker", "worker", by_log("ready"), servers, WORKERS),
                self._process("scheduler", "scheduler", by_log("ready"), servers, WORKERS),
            ],
            steps=[
                Step(f"{name}-data", self._make_data),
                Step(f"{name}-roles", self._make_roles, after=(f"{name}-postgres",)),
                Step(f"{name}-migrations", self._migrate, after=(NURSERY, f"{name}-roles")),
                Step(f"{name}-bucket", self._make_bucket, after=(f"{name}-s3",)),
                Step(f"{name}-workspace", self._found_workspace, after=servers),
            ],
        )

    def _process(self, kind: str, verb: str, ready: Check, after: tuple[str, ...], stage: int) -> Service:
        name = f"{self.name}-{kind}"
        command = self.site.cellcast(f"cell {verb}", PREFIX, self.settings, self.name, name)
        return Service(name, command, ready, after, stage)

    def _database_answers(self) -> Check:
        async def check(_: Path, __: int) -> bool:
            return await asyncio.to_thread(postgres.answers, self._database)

        return check

    def _redis_answers(self) -> Check:
        async def check(_: Path, __: int) -> bool:
            return await redis.answers(self._redis_port, self._redis_password)

        return check

    async def _make_data(self) -> None:
        await asyncio.to_thread(
            postgres.make_data, self.site.programs.postgres, self._postgres_data, self._database.password
        )

    async def _make_roles(self) -> None:
        def make() -> None:
            postgres.make_roles(self._database, self._password(postgres.OWNER), self._password(postgres.APP))
            postgres.make_database(self._database, postgres.DATABASE)

        await asyncio.to_thread(make)

    async def _migrate(self) -> None:
        settings = {**self.settings, "OWNER_DATABASE_URL": self.described.owner_dsn}
        command = self.site.cellcast("cell migrate", PREFIX, settings, self.name)
        await self.site.run(f"{self.name}-migrations", command)

    async def _make_bucket(self) -> None:
        """Once, and again when the cell's address has changed, which stands in the bucket's CORS rules."""
        step, given = f"{self.name}-bucket", (self._s3, self.described.s3.bucket, self._s3_keys, self.url)
        wanted = hashlib.sha256(f"{s3.RULES}{self.url}".encode()).hexdigest()
        if self.site.state.done.get(step) != wanted:
            await asyncio.to_thread(s3.prepare, *given)
            self.site.state.done[step] = wanted
            self.site.state.save()

    async def _found_workspace(self) -> None:
        """Found the region's demo workspace, if it lives here and was not founded yet."""
        workspace, step = self.workspace, f"{self.name}-workspace"
        if workspace.cell != self.name or self.site.state.done.get(step) == workspace.id:
            return
        command = self.site.cellcast("cell seed", PREFIX, self.settings, self.name)
        answer = json.loads(await self.site.run(step, command, _seed(workspace)))
        # Empty when an earlier start was cut off between the cell's answer and our keeping it.
        workspace.api_token = answer.get("api_token", "")
        workspace.link = urlsplit(answer.get("link_url", "")).path
        self.site.state.done[step] = workspace.id
        self.site.state.save()


def _seed(workspace: Workspace) -> dict[str, object]:
    people = (
        (workspace.admin, "Alex Admin", "admin", workspace.admin_password),
        (workspace.agent, "Robin Agent", "agent", workspace.agent_password),
    )
    return {
        "workspace": {"id": workspace.id, "key": workspace.key, "name": workspace.name},
        "people": [
            {"email": email, "name": name, "role": role, "password": password} for email, name, role, password in people
        ],
        "api_token": True,
        "link": {"title": "Show us what happens in your cart"},
    }
