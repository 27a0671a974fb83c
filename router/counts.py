"""What workers count in their rows, as metrics of the whole router."""

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from kit.workers import READY, Rows
from router.pages import Outcome

OPEN, CUT = READY + 1, READY + 2
COLUMN = {outcome: number for number, outcome in enumerate(Outcome, CUT + 1)}


class Counted(Collector):
    """The sums over all workers."""

    def __init__(self, rows: Rows) -> None:
        self._sum = rows.sum

    def collect(self) -> Iterable[Metric]:
        """What a scrape gets to see."""
        requests = CounterMetricFamily(
            "cellcast_router_requests", "Requests that were led on, described or refused", labels=["outcome"]
        )
        for outcome, column in COLUMN.items():
            requests.add_metric([outcome.value], self._sum(column))
        cut = "Connections that were ended for being slow or too many"
        return [
            requests,
            CounterMetricFamily("cellcast_router_connections_cut", cut, value=self._sum(CUT)),
            GaugeMetricFamily("cellcast_router_connections", "Connections that are open", value=self._sum(OPEN)),
            GaugeMetricFamily("cellcast_router_workers", "Workers that answer", value=self._sum(READY)),
        ]
