"""Calls to S3, counted by what was asked and how it ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from kit.storage.errors import NotFound, StorageRefused

CALLS = Counter("cellcast_s3_calls_total", "Calls to S3 by how they ended", ["operation", "outcome"])
SECONDS = Histogram(
    "cellcast_s3_seconds",
    "Time of a call to S3, its own repeats included",
    ["operation"],
    buckets=(0.005, 0.025, 0.1, 0.25, 1, 5, 30, 120),
)


@contextmanager
def counted(operation: str) -> Iterator[None]:
    """Around one call."""
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "ok"
    except NotFound:
        outcome = "missing"
        raise
    except StorageRefused:
        outcome = "refused"
        raise
    finally:
        CALLS.labels(operation, outcome).inc()
        SECONDS.labels(operation).observe(time.perf_counter() - began)
