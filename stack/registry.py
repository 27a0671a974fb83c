"""The global part of the stack: the control plane, its database, and its first operator."""

import json
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

from kit.signing import SigningKey
from stack import description
from stack.handing import of_web
from stack.operator import NAME, Operator
from stack.processes import Command
from stack.servers import Database
from stack.site import FRONT, QUICKLY, Part, Site, together
from stack.state import new_signing_key
from stack.supervisor import Step
from stack.unit import Service
from stack.waiting import over_http

PREFIX = "CELLCAST_CONTROL_PLANE_"
PROCESS = "control-plane"


class Registry:
    """The control plane of a stack. `ready` is what those wait for who ask it something as its operator."""

    ready = (PROCESS, "operator")

    def __init__(self, site: Site) -> None:
        self._site = site
        self._database = Database(site, PROCESS)
        self.url = site.inside_url(PROCESS, PROCESS)
        self.operator = Operator(site, self.url)
        self._key = SigningKey.from_text(site.state.secret("registry", new_signing_key))

    @property
    def public_keys(self) -> str:
        """What consumers of its feeds pin."""
        return self._key.public_text()

    @property
    def described(self) -> description.ControlPlane:
        """For stack.json."""
        return description.ControlPlane(url=self.url, dsn=self._database.dsn, operator_token=self.operator.token)

    @property
    def scrape(self) -> description.Scrape:
        """Where it shows its metrics."""
        return self._site.scrape(PROCESS, part="control-plane")

    def part(self, sign_up_urls: Mapping[str, str], buckets: Mapping[str, Mapping[str, str]]) -> Part:
        """The processes, told for each region where people sign up and where its snapshots are published."""
        site, port = self._site, self._site.state.port(PROCESS)
        settings = {
            "BIND": f"127.0.0.1:{port}",
            "URL": self.url,
            "GO_URL": site.router_url,
            "DATABASE_URL": self._database.dsn,
            "SIGNING_KEY": self._key.to_text(),
            "SIGN_UP_URLS": json.dumps(dict(sign_up_urls)),
            "SNAPSHOT_BUCKETS": json.dumps(dict(buckets)),
            "METRICS_BIND": self.scrape.address,
            "PUBLISH_EVERY_S": "5",  # a demo is looked at; in production 30 s cost less
        }
        run = partial(site.cellcast, prefix=PREFIX, targets=(PROCESS,))
        first = run(f"control-plane bootstrap-operator {NAME} --days 366 --json", settings=settings)
        owner = {**settings, "OWNER_DATABASE_URL": self._database.owner_dsn}
        process = Service(
            PROCESS,
            run("control-plane serve", settings=settings),
            over_http(port, "/readyz", urlsplit(self.url).netloc),
            after=(self._database.migrations,),
            stage=FRONT,
            stop_signal=QUICKLY,
            handing=of_web(PREFIX, urlsplit(self.url).netloc),
        )
        operator = Step("operator", lambda: self._make_operator(first), after=(self._database.migrations,))
        return together(
            self._database.part(run("control-plane migrate", settings=owner)),
            Part(services=[process], steps=[operator]),
        )

    async def _make_operator(self, command: Command) -> None:
        """Once: a token is shown once, and the registry makes a first operator only while there is none."""
        if not self.operator.token:
            self.operator.take(json.loads(await self._site.run("operator", command))["token"])
