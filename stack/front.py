"""The front door of the stack: the router, which follows the registry's feed."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from stack.description import Scrape
from stack.edge import edge_part, edge_scrapes
from stack.membership import reader_token
from stack.published import Published
from stack.registry import Registry
from stack.site import FRONT, NURSERY, QUICKLY, Part, Site, together
from stack.supervisor import Step
from stack.unit import Service
from stack.waiting import over_http

PREFIX = "CELLCAST_ROUTER_"
PROCESS = "router"
_TOKEN, _STEP = "router-feed", "router-registered"


def scrapes(site: Site) -> list[Scrape]:
    """Where the router shows its metrics, and its edge."""
    own = _scrape(site)
    return [own, *edge_scrapes(site, own, PROCESS)]


def _scrape(site: Site) -> Scrape:
    return site.scrape(PROCESS, part="router")


def router_part(
    site: Site, registry: Registry, published: Published, regions: Mapping[str, str], cells: tuple[str, ...]
) -> Part:
    """The router, after its credential; the first time after `cells` too, so that it finds them when it looks.

    `regions` are the addresses of provisioning, where people ask for their workspaces.
    """
    port, folder = site.state.port(PROCESS), site.folder.of_part(PROCESS)

    async def register() -> None:
        if _TOKEN not in site.state.secrets:
            site.state.secrets[_TOKEN] = await reader_token(registry.operator, _STEP, PROCESS, "routing")
            site.state.save()

    def settings() -> dict[str, str]:
        return {
            "BIND": f"127.0.0.1:{port}",
            "GO_URL": site.router_url,
            "REGISTRY_PUBLIC_KEYS": registry.public_keys,
            "FEED_URL": registry.url,
            "FEED_TOKEN": site.state.secret(_TOKEN),
            "PUBLISHED_BUCKET": published.reader,
            "DOMAIN_KEY": site.domain_key,
            "REGIONS": json.dumps(dict(regions)),
            "STATE_DIR": str(folder),
            "METRICS_BIND": _scrape(site).address,
            **site.proxied,
        }

    known = _TOKEN in site.state.secrets
    own = Part(
        services=[
            Service(
                PROCESS,
                lambda: site.cellcast("router serve", PREFIX, settings(), (PROCESS,)),
                over_http(port, "/readyz", urlsplit(site.router_url).netloc),
                after=(NURSERY, _STEP, *site.first(PROCESS)),
                stage=FRONT,
                stop_signal=QUICKLY,
            )
        ],
        steps=[Step(_STEP, register, after=() if known else (*registry.ready, *cells))],
    )
    return together(edge_part(site, PROCESS, site.router_url, firewall=False), own)
