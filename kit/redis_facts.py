"""What a Redis says of itself: how full its memory is, whom it refuses, whether what it holds gets to its disk.

One process of a part asks for all of them; what is not known, since Redis is away or does not say it, is not shown.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit import logs
from kit.metrics import Known, declare
from kit.stopping import beside

EVERY_S = 10.0  # an answer of 7 kB that costs Redis a tenth of a millisecond

log = logs.get("redis")


@dataclass(frozen=True)
class _Fact:
    """A metric, and the field of INFO that each value of its one label, or the metric without labels, is from."""

    known: Known
    fields: Mapping[str, str]

    def family(self, said: Mapping[str, float]) -> Metric:
        form = CounterMetricFamily if self.known.kind == "counter" else GaugeMetricFamily
        made = form(self.known.name, self.known.words, labels=self.known.labels)
        for value, field in self.fields.items():
            if field in said:
                made.add_metric([value] if self.known.labels else [], said[field])
        return made


def _gauge(name: str, words: str, label: str, **fields: str) -> _Fact:
    return _Fact(declare(f"cellcast_redis_{name}", "gauge", (label,), words), fields)


def _counter(name: str, words: str, field: str) -> _Fact:
    return _Fact(declare(f"cellcast_redis_{name}", "counter", (), words), {"": field})


# Fields as https://redis.io/docs/latest/commands/info/ has them.
_FACTS = (
    _gauge("memory_bytes", "Redis's memory: used, and the most", "state", used="used_memory", most="maxmemory"),
    _gauge("clients", "Connections to Redis: used, and the most", "state", used="connected_clients", most="maxclients"),
    _gauge(
        "saved",
        "1 while Redis's last write to its disk went well: of its log, of its log anew, of all it holds",
        "what",
        log="aof_last_write_status",
        rewrite="aof_last_bgrewrite_status",
        snapshot="rdb_last_bgsave_status",
    ),
    _counter("evicted_keys", "Keys that Redis threw away, for want of memory", "evicted_keys"),
    _counter("refused_connections", "Connections that Redis refused, having the most already", "rejected_connections"),
    _counter("commands", "Commands that Redis carried out", "total_commands_processed"),
    _counter("errors", "Commands that Redis answered with an error", "total_error_replies"),
    _counter("late_writes", "Writes to Redis's log that waited for its disk", "aof_delayed_fsync"),
)
_said: dict[str, float] = {}  # what was said last, by the field's name


@asynccontextmanager
async def watched(redis: Redis) -> AsyncIterator[None]:
    """Ask again and again while the block runs; nothing is shown afterwards."""
    try:
        async with beside(_watch(redis)):
            yield
    finally:
        _said.clear()


async def _watch(redis: Redis) -> None:
    heard = True
    while True:
        try:
            told = await redis.info()
        except (RedisError, OSError) as error:
            if heard:  # said once: RedisAway tells the rest, unless Redis is there and may not be asked
                log.warning("redis says nothing of itself", error=type(error).__name__)
            heard, told = False, {}
        else:
            heard = True
        _said.clear()
        _said.update(_numbers(told))
        await asyncio.sleep(EVERY_S)


def _numbers(told: Mapping[str, object]) -> Iterable[tuple[str, float]]:
    for fact in _FACTS:
        for field in fact.fields.values():
            value = told.get(field)
            if isinstance(value, int | float) and (field, value) != ("maxmemory", 0):  # which means no limit
                yield field, float(value)
            elif isinstance(value, str):
                yield field, float(value == "ok")


class _Said(Collector):
    """What Redis said last, as it is at a scrape."""

    def collect(self) -> Iterable[Metric]:
        """What a scrape gets to see."""
        return [fact.family(_said) for fact in _FACTS]


REGISTRY.register(_Said())
