"""A region of the stack: its provisioning process with a small Redis, and its bucket of published snapshots."""

from urllib.parse import urlsplit

from stack import description
from stack.edge import edge_part, edge_scrapes
from stack.handing import of_web
from stack.membership import Kind, Membership
from stack.processes import Command
from stack.published import Published
from stack.registry import Registry
from stack.servers import Cache
from stack.site import NURSERY, QUICKLY, WEB, Part, Site, together
from stack.supervisor import Step
from stack.unit import Service
from stack.waiting import over_http

PREFIX = "CELLCAST_PROVISIONING_"


class Region:
    """Provisioning of one region. `process` is what sign-ups wait for."""

    def __init__(self, site: Site, registry: Registry, name: str, published: Published) -> None:
        self._site, self.name, self.published = site, name, published
        self.process = f"provisioning-{name}"
        self._redis = Cache(site, self.process)
        self.url = site.url(self.process, self.process)
        facts = ("--kind", "provisioning", "--region", name)
        kind = Kind(group="peers", url="--peer-url", facts=facts, audience=f"identity/{name}")
        self._keys = f"{self.process}-saml-keys"
        self._membership = Membership(site, registry, self.process, self.url, kind)

    @property
    def described(self) -> description.Provisioning:
        """For stack.json."""
        return description.Provisioning(url=self.url, redis_url=self._redis.url)

    def part(self) -> Part:
        """The processes, and the steps before them."""
        process = Service(
            self.process,
            self._command,
            over_http(self._site.state.port(self.process), "/readyz", urlsplit(self.url).netloc),
            after=(NURSERY, self._redis.process, self._membership.step, self._keys, *self._site.first(self.process)),
            stage=WEB,
            stop_signal=QUICKLY,
            handing=of_web(PREFIX, urlsplit(self.url).netloc, keeps=True),
        )
        own = Part(services=[process], steps=[Step(self._keys, self._make_keys, after=(NURSERY,))])
        edge = edge_part(self._site, self.process, self.url)
        return together(self._redis.part(), self.published.part(), self._membership.part(), edge, own)

    @property
    def scrape(self) -> description.Scrape:
        """Where it shows its metrics."""
        return self._site.scrape(self.process, part="provisioning", region=self.name)

    @property
    def scrapes(self) -> list[description.Scrape]:
        """Its own and its edge's."""
        return [self.scrape, *edge_scrapes(self._site, self.scrape, self.process)]

    def _command(self) -> Command:
        site = self._site
        settings = {
            "REGION": self.name,
            "BIND": f"127.0.0.1:{site.state.port(self.process)}",
            "URL": self.url,
            "GO_URL": site.router_url,
            "REDIS_URL": self._redis.url,
            "METRICS_BIND": self.scrape.address,
            "PUBLISHED_BUCKET": self.published.reader,
            "SAML_KEYS": site.state.secrets[self._keys],
            "SIGN_UPS_PER_HOUR": "1000",  # everybody here comes from one address
            "FINDS_PER_HOUR": "1000",
            "SAML_ANSWERS_PER_MINUTE": "100000",
            "METADATA_ALLOW_LOCAL": "true",  # identity providers of tests are on this machine
            **self._membership.settings,
            **site.proxied,
        }
        return site.cellcast(f"provisioning serve --region {self.name}", PREFIX, settings, (self.process,))

    async def _make_keys(self) -> None:
        """Once: identity providers pin the certificate."""
        state = self._site.state
        if self._keys not in state.secrets:
            command = self._site.cellcast(["provisioning", "new-saml-key", f"Cellcast {self.name.upper()}"], PREFIX, {})
            state.secrets[self._keys] = await self._site.run(self._keys, command)
            state.save()
