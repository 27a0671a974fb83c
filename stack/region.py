"""A region of the stack: its provisioning process with a small Redis, and its bucket of published snapshots."""

from urllib.parse import urlsplit

from stack import description
from stack.membership import Kind, Membership
from stack.published import Published
from stack.registry import Registry
from stack.servers import Cache
from stack.site import NURSERY, WEB, Part, Site, together
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
        self._membership = Membership(site, registry, self.process, self.url, kind)

    @property
    def described(self) -> description.Provisioning:
        """For stack.json."""
        return description.Provisioning(url=self.url, redis_url=self._redis.url)

    def part(self) -> Part:
        """The processes, and the steps before them."""
        port = self._site.state.port(self.process)
        settings = {
            "REGION": self.name,
            "BIND": f"127.0.0.1:{port}",
            "URL": self.url,
            "GO_URL": self._site.router_url,
            "REDIS_URL": self._redis.url,
            "PUBLISHED_BUCKET": self.published.reader,
            "SIGN_UPS_PER_HOUR": "1000",  # everybody here comes from one address
        }
        process = Service(
            self.process,
            lambda: self._site.cellcast(
                f"provisioning serve --region {self.name}",
                PREFIX,
                {**settings, **self._membership.settings},
                (self.process,),
            ),
            over_http(port, "/readyz", urlsplit(self.url).netloc),
            after=(NURSERY, self._redis.process, self._membership.step),
            stage=WEB,
        )
        return together(self._redis.part(), self.published.part(), self._membership.part(), Part(services=[process]))
