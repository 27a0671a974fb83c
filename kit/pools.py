"""How full this process's pools of connections are, how long work waits for one, and how often there is none."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kit.metrics import declare

WAITED = Histogram(
    "cellcast_pool_wait_seconds",
    "How long work waited for a connection, opening it included",
    ["pool"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2, 5),
)
FAILED = Counter(
    "cellcast_pool_failures_total",
    "Connections that were not to be had: the server is away, or all are in use",
    ["pool"],
)


CONNECTIONS = declare(
    "cellcast_pool_connections", "gauge", ("pool", "state"), "Connections: used, idle, and the most a pool may have"
)


class Counts(NamedTuple):
    """The connections of a pool."""

    used: int
    idle: int
    most: int


class Pool:
    """One pool by its name: `postgres`, `postgres-direct`, `redis`."""

    def __init__(self, name: str) -> None:
        self._waited, self._failed = WAITED.labels(name), FAILED.labels(name)

    @contextmanager
    def getting(self, *failures: type[Exception]) -> Iterator[None]:
        """Around getting a connection; `failures` are what is raised where there is none."""
        began = time.perf_counter()
        try:
            yield
        except failures:
            self._failed.inc()
            raise
        self._waited.observe(time.perf_counter() - began)


Owner = TypeVar("Owner")
_watched: WeakKeyDictionary[Any, tuple[str, Callable[[Any], Counts]]] = WeakKeyDictionary()  # owners of all types


def watch(owner: Owner, name: str, counts: Callable[[Owner], Counts]) -> None:
    """Show the counts of a pool for as long as `owner` lives."""
    _watched[owner] = (name, counts)


def of_redis(pool: Any) -> Counts:  # of redis-py, which has no public counts
    """The counts of a Redis client's pool."""
    return Counts(len(pool._in_use_connections), len(pool._available_connections), pool.max_connections)


class _Watched(Collector):
    """The pools of this process as they are at a scrape."""

    def collect(self) -> Iterable[Metric]:
        """What a scrape gets to see; several pools of one name are one."""
        sums: dict[str, list[int]] = {}
        for owner, (name, counts) in list(_watched.items()):
            sums[name] = [a + b for a, b in zip(sums.get(name, [0, 0, 0]), counts(owner), strict=True)]
        family = GaugeMetricFamily(CONNECTIONS.name, CONNECTIONS.words, labels=CONNECTIONS.labels)
        for name, numbers in sums.items():
            for state, number in zip(("used", "idle", "most"), numbers, strict=True):
                family.add_metric([name, state], number)
        return [family]


REGISTRY.register(_Watched())
