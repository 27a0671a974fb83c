"""Spans: whose child they are, what they say of failures, and that a trace from outside has to be one."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_span_goes_on_with_the_trace_that_is_named(spans: InMemorySpanExporter) -> None:
    with tracing.span("outer", PARENT):
        assert tracing.current().startswith("00-0af7651916cd43dd8448eb211c80319c-")
        with tracing.span("inner"):
            pass
    inner, outer = spans.get_finished_spans()
    assert outer.parent is not None and f"{outer.parent.span_id:x}" == "b7ad6b7169203331"
    assert inner.parent is not None and inner.parent.span_id == outer.context.span_id
    assert tracing.current() == ""


@pytest.mark.parametrize(
    "said", ["rubbish", "00-0-0-01", f"{PARENT}{PARENT}", "00-" + "0" * 32 + "-b7ad6b7169203331-01"]
)
def test_what_is_no_trace_begins_one(spans: InMemorySpanExporter, said: str) -> None:
    with tracing.span("one", said):
        pass
    (one,) = spans.get_finished_spans()
    assert one.parent is None


def test_a_trace_that_its_beginning_left_out_stays_left_out(spans: InMemorySpanExporter) -> None:
    with tracing.span("one", PARENT[:-2] + "00"):
        pass
    assert not spans.get_finished_spans()


def test_a_failure_is_said_without_its_words(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), tracing.span("one"):
        raise ValueError("erika@example.com")
    (one,) = spans.get_finished_spans()
    assert one.attributes == {"error.type": "ValueError"} and "erika" not in one.to_json()


def test_a_redirect_carries_the_trace(spans: InMemorySpanExporter) -> None:
    assert tracing.led(b"http://eu-1/r/x").startswith(b"http://eu-1/r/x?trace=00-")
    assert tracing.led(b"http://eu-1/r/x?a=b").startswith(b"http://eu-1/r/x?a=b&trace=00-")


def test_without_the_setting_nothing_is_imported() -> None:
    code = "import sys; from kit import tracing\nwith tracing.span('x'): pass\nassert not tracing.current()\n"
    code += "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
