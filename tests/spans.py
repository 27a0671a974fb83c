"""Fixture `spans`: every span that ends, kept in memory, as long as the test runs."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit import tracing


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.use(exporter, 1, "test", at_once=True)
    yield exporter
    tracing.stop()
