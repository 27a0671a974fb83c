"""Traces (OpenTelemetry, W3C context) from a link's click to a ready recording; only where a setting says where to.

Without it nothing of OpenTelemetry is imported and each call here returns at once. A span says which part did what and
how it ended: routes as templates, kinds of jobs, names of operations. Never a path, an address, a token or a name.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from kit import logs

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

HEADER = "traceparent"
QUERY = b"trace"  # how a redirect carries it: a browser takes no header along
EMPTY: Mapping[str, str] = {}
_NOTHING: AbstractContextManager[None] = nullcontext()


class _Tracing:
    """How this process traces. `share` of what begins here is traced; what is part of a trace always is."""

    tracer: "Tracer | None" = None
    share = 0.0


def configure(url: str, share: float, part: str, **labels: str) -> None:
    """Send spans to an OTLP/HTTP collector from now on; nothing without a URL. Starts a thread."""
    if url:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        use(OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces"), share, part, labels)


def use(
    exporter: "SpanExporter", share: float, part: str, labels: Mapping[str, str] = EMPTY, *, at_once: bool = False
) -> None:
    """Give spans to `exporter`: in batches of a thread's, or `at_once`."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    provider = TracerProvider(resource=Resource({"service.name": f"cellcast-{part}", **labels}))
    provider.add_span_processor(SimpleSpanProcessor(exporter) if at_once else BatchSpanProcessor(exporter))
    _Tracing.tracer, _Tracing.share = provider.get_tracer("cellcast"), share


def stop() -> None:
    """Trace no more."""
    _Tracing.tracer = None


def is_on() -> bool:
    """Whether anything is traced in this process."""
    return _Tracing.tracer is not None


def current() -> str:
    """The `traceparent` of the span at hand; empty where none is."""
    if _Tracing.tracer is None:
        return ""
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def span(name: str, parent: str = "", **said: str) -> "AbstractContextManager[Span | None]":
    """A span around the block. `parent` is a `traceparent` from outside; without one it is the span at hand.

    What has no parent at all is traced by chance, as often as the setting says. Log lines carry the trace's id.
    """
    return _NOTHING if _Tracing.tracer is None else _span(_Tracing.tracer, name, parent, said)


@contextmanager
def _span(tracer: "Tracer", name: str, parent: str, said: dict[str, str]) -> "Iterator[Span | None]":
    from opentelemetry.trace import StatusCode, get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({HEADER: parent}) if parent else None
    if not get_current_span(context).get_span_context().is_valid and not _chosen():
        yield None
        return
    # What an exception says may hold what people typed: its kind is enough.
    with tracer.start_as_current_span(
        name, context, attributes=said, record_exception=False, set_status_on_exception=False
    ) as opened:
        logs.bind(trace_id=f"{opened.get_span_context().trace_id:032x}")
        try:
            yield opened
        except BaseException as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(StatusCode.ERROR)
            raise


def led(location: bytes) -> bytes:
    """A redirect's location that carries the trace which begins with it, if it is one that is traced."""
    with span("link") as opened:
        if opened is None:
            return location
        return location + (b"&" if b"?" in location else b"?") + QUERY + b"=" + current().encode()


def _chosen() -> bool:
    return random.random() < _Tracing.share  # noqa: S311 - nothing secret
