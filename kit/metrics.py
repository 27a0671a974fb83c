"""Prometheus metrics of this process, served on a port of their own that only the inside can reach.

A metric stands in the module that counts, and is known here by itself; what is made at a scrape alone is declared.
What a label may be called, and so that none takes as many values as there are people, holds tests/guards/test_metrics.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import REGISTRY, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics import MetricWrapperBase

from kit.sockets import listening

OURS = "cellcast_"


@dataclass(frozen=True)
class Known:
    """A metric that this code has. `name` is without the suffixes of its samples; `kind`: counter, gauge, histogram."""

    name: str
    kind: str
    labels: tuple[str, ...]
    words: str

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that queries find it by."""
        ends = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}[self.kind]
        return tuple(self.name + end for end in ends)


_declared: dict[str, Known] = {}


def declare(name: str, kind: str, labels: tuple[str, ...], words: str) -> Known:
    """Make a metric known that a collector of its own makes at a scrape. Raises ValueError for a name that is taken."""
    if name in _declared:
        raise ValueError(f"two metrics are called {name}")
    _declared[name] = Known(name, kind, labels, words)
    return _declared[name]


def known() -> Iterator[Known]:
    """Every metric of ours in the modules that were imported so far."""
    seen = {id(one): one for one in REGISTRY._names_to_collectors.values() if isinstance(one, MetricWrapperBase)}
    for one in seen.values():
        if one._name.startswith(OURS):
            yield Known(one._name, str(one._type), tuple(one._labelnames), one._documentation)
    yield from _declared.values()


class _Quiet(WSGIRequestHandler):
    """Writes no line for each scrape."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(bind: str) -> None:
    """Answer scrapes on `bind` (as in kit/sockets.py) from a thread of its own until the process ends."""
    server = ThreadingWSGIServer(("", 0), _Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listening(bind)
    server.server_name, server.server_port = "metrics", 0
    server.setup_environ()
    server.set_app(make_wsgi_app())
    threading.Thread(target=server.serve_forever, daemon=True).start()
