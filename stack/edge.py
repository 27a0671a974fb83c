"""The edge of a stack: TLS and the firewall before one process that people reach, by the charts' own files."""

import signal
from urllib.parse import urlsplit

from stack.description import Scrape
from stack.nginx import Front, command
from stack.site import FRONT, Part, Site
from stack.unit import Service
from stack.waiting import over_http

_LETS_GO_S = 5.0  # of what people still hold open; the processes behind have ended by then


def edge_part(site: Site, process: str, url: str, *, firewall: bool = True) -> Part:
    """The edge before a process, at its address; nothing where the stack has none."""
    if site.edges is None:
        return Part()
    edges, name, host = site.edges, site.edge_of(process), urlsplit(url).hostname or ""
    port = site.state.port(name)
    upstream, metrics = f"127.0.0.1:{site.state.port(process)}", site.scrape(name).address
    front = Front(name, host, f"127.0.0.1:{port}", upstream, metrics, firewall)
    folder = site.folder.of_account(name, "nginx", site.state.id)
    service = Service(
        name,
        lambda: command(edges, front, folder),
        over_http(port, "/edgez", host, trusting=edges.authority.certificate),
        stage=FRONT,
        stop_signal=signal.SIGQUIT,  # what is in hand is answered
        stop_within_s=_LETS_GO_S,
    )
    return Part(services=[service])


def edge_scrapes(site: Site, of: Scrape, process: str) -> list[Scrape]:
    """Where the edge before a process shows its metrics, labelled as those of the process are."""
    return [] if site.edges is None else [site.scrape(site.edge_of(process), **{**of.labels, "process": "edge"})]
