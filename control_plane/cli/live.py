"""What processes measure, for whoever looks at the fleet: from Prometheus, or from a stack's processes themselves."""

import http.client
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from control_plane.cli.server import UNREACHABLE, WRONG_USAGE, failed
from kit import localhost

TIMEOUT_S = 10
LARGEST = 16 << 20  # bytes of an answer


@dataclass(frozen=True)
class Wanted:
    """A number: the largest, or the smallest, of a gauge's series of each part, region, cell and `label`."""

    metric: str
    most: bool = True
    label: str = ""

    @property
    def query(self) -> str:
        """The same in PromQL."""
        labels = ", ".join([*OF, self.label] if self.label else OF)
        return f"{'max' if self.most else 'min'} by ({labels}) ({self.metric})"


OF = ("part", "region", "cell")
FEED_AGE = Wanted("cellcast_feed_age_seconds")
OLDEST_JOB = Wanted("cellcast_jobs_oldest_due_seconds", label="lane")
JOBS_DUE = Wanted("cellcast_jobs_due", label="lane")
JOBS_DEAD = Wanted("cellcast_jobs_dead", label="lane")
DEPENDENCY = Wanted("cellcast_dependency_up", most=False, label="dependency")
UP = Wanted("up", most=False, label="process")


@dataclass(frozen=True)
class Number:
    """One number and whose it is; `label` is the value of the label that was wanted."""

    part: str
    region: str
    cell: str
    label: str
    value: float


class Measured(Protocol):
    """Whoever knows numbers."""

    def find(self, wanted: Wanted) -> list[Number]:
        """The numbers there are. Raises Failed."""
        ...

    def burns(self) -> dict[str, float] | None:
        """By objective, how many times as fast as it may the budget burns over the last hour, where it is worst."""
        ...


class Prometheus:
    """A Prometheus that scrapes the fleet and has the rules of `cellcast observability rules`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def find(self, wanted: Wanted) -> list[Number]:
        """See Measured."""
        found = self._query(wanted.query)
        return [_number(labels, wanted, value) for labels, value in found]

    def burns(self) -> dict[str, float] | None:
        """See Measured; None where the rules are not loaded."""
        budgets = {labels["slo"]: value for labels, value in self._query("slo:budget")}
        worst = {labels["slo"]: value for labels, value in self._query("max by (slo) (slo:bad:ratio_rate1h)")}
        # Not a number: nothing came in that hour.
        burns = {name: worst.get(name, 0.0) / budget for name, budget in budgets.items()}
        return {name: 0.0 if isnan(times) else times for name, times in burns.items()} or None

    def _query(self, query: str) -> list[tuple[dict[str, str], float]]:
        asked = f"{self._url}/api/v1/query?{urlencode({'query': query})}"
        said = json.loads(_read(asked, "Prometheus", "Is --prometheus right?"))
        return [(dict(one["metric"]), float(one["value"][1])) for one in said["data"]["result"]]


class Processes:
    """The processes of a stack, each asked itself, all at once."""

    def __init__(self, stack: Path) -> None:
        try:
            described = json.loads(stack.read_bytes())
            self._scrapes = [(str(one["address"]), dict(one["labels"])) for one in described["scrapes"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            title = f"{stack} names no processes to be asked"
            raise failed(WRONG_USAGE, title, f"Take the stack up again ({type(error).__name__}).") from error
        with ThreadPoolExecutor(16) as asking:
            read = list(asking.map(_scraped, [address for address, _ in self._scrapes]))
        self._read = [(labels, text) for (_, labels), text in zip(self._scrapes, read, strict=True)]

    def find(self, wanted: Wanted) -> list[Number]:
        """See Measured."""
        best: dict[tuple[str, ...], Number] = {}
        better: Callable[[float, float], float] = max if wanted.most else min
        for labels, value in self._samples(wanted.metric):
            one = _number(labels, wanted, value)
            key = (one.part, one.region, one.cell, one.label)
            known = best.get(key)
            if known is None or better(known.value, one.value) != known.value:
                best[key] = one
        return list(best.values())

    def burns(self) -> None:
        """See Measured: a burn is measured over hours, which nobody remembers here."""

    def _samples(self, metric: str) -> Iterable[tuple[dict[str, str], float]]:
        for target, text in self._read:
            if metric == UP.metric:
                yield target, float(text is not None)
            for labels, value in _series(metric, text or ""):
                yield {**labels, **target}, value


_SERIES = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def _series(metric: str, text: str) -> Iterator[tuple[dict[str, str], float]]:
    """The series of a metric in Prometheus' text form."""
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.partition("{")[0] == metric:
            yield dict(_SERIES.findall(name)), float(value)


def _number(labels: Mapping[str, str], wanted: Wanted, value: float) -> Number:
    part, region, cell = (labels.get(name, "") for name in OF)
    return Number(part, region, cell, labels.get(wanted.label, "") if wanted.label else "", value)


def _scraped(address: str) -> str | None:
    """What a process shows, None where it does not answer."""
    try:
        return _get(f"http://{address}/metrics").decode()
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _read(url: str, who: str, hint: str) -> bytes:
    try:
        return _get(url)
    except (OSError, http.client.HTTPException, ValueError) as error:
        parts = urlsplit(url)
        detail = f"{parts.scheme}://{parts.netloc} does not answer as one ({type(error).__name__}). {hint}"
        raise failed(UNREACHABLE, f"{who} cannot be reached", detail) from error


def _get(url: str) -> bytes:
    parts, connection = urlsplit(url), localhost.connection(url, TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"status {answer.status}")
        return answer.read(LARGEST)
    finally:
        connection.close()
