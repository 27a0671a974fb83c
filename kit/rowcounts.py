"""What workers count in their rows (kit/workers.py), as metrics of them all together."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from kit.metrics import Known, declare
from kit.workers import Rows


@dataclass(frozen=True)
class Numbers:
    """A counter or a gauge: the column of each value of its one label, or one column of a metric without labels."""

    known: Known
    columns: Mapping[str, int]

    def family(self, rows: Rows) -> Metric:
        """The sums over all workers."""
        form = CounterMetricFamily if self.known.kind == "counter" else GaugeMetricFamily
        made = form(self.known.name, self.known.words, labels=self.known.labels)
        for value, column in self.columns.items():
            made.add_metric([value] if self.known.labels else [], rows.sum(column))
        return made


class Times:
    """A histogram: a column a bucket, one for all that is slower, and one for the sum in nanoseconds."""

    def __init__(self, name: str, words: str, first: int, bounds_s: Sequence[float]) -> None:
        self.known = declare(name, "histogram", (), words)
        self._first, self._bounds, self._sum = first, tuple(bounds_s), first + len(bounds_s) + 1
        self._bounds_ns = tuple(int(bound * 1e9) for bound in bounds_s)

    def took(self, counts: memoryview, nanoseconds: int) -> None:
        """Count one."""
        counts[self._first + bisect_left(self._bounds_ns, nanoseconds)] += 1
        counts[self._sum] += nanoseconds

    def family(self, rows: Rows) -> Metric:
        """The sums over all workers."""
        made, total, buckets = HistogramMetricFamily(self.known.name, self.known.words), 0, []
        for number, bound in enumerate([*map(str, self._bounds), "+Inf"]):
            total += rows.sum(self._first + number)
            buckets.append((bound, float(total)))
        made.add_metric([], buckets, rows.sum(self._sum) / 1e9)
        return made


def counter(name: str, words: str, columns: Mapping[str, int] | int, label: str = "") -> Numbers:
    """A sum that only rises."""
    return _numbers("counter", name, words, columns, label)


def gauge(name: str, words: str, columns: Mapping[str, int] | int, label: str = "") -> Numbers:
    """A number as it is now."""
    return _numbers("gauge", name, words, columns, label)


def _numbers(kind: str, name: str, words: str, columns: Mapping[str, int] | int, label: str) -> Numbers:
    known = declare(name, kind, (label,) if label else (), words)
    return Numbers(known, {"": columns} if isinstance(columns, int) else columns)


class Counted(Collector):
    """The sums over all workers, for the registry of their parent."""

    def __init__(self, rows: Rows, table: Sequence[Numbers | Times]) -> None:
        self._rows, self._table = rows, table

    def collect(self) -> Iterable[Metric]:
        """What a scrape gets to see."""
        return [one.family(self._rows) for one in self._table]
