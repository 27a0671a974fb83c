"""Structured logs: one JSON object a line on stdout, with the ids of the work at hand, no personal data."""

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger

# What may identify the work in a line. Ids only: never a name, an address, a token or a link's secret.
bind = structlog.contextvars.bind_contextvars
clear = structlog.contextvars.clear_contextvars


def get(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry `part=name` and whatever was bound to the context."""
    # Initial values, not bind(): a logger made at import must wait for configure().
    logger: FilteringBoundLogger = structlog.get_logger(part=name)
    return logger


# Where and what, without the values of variables: those hold secrets and what people typed.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def configure(level: str = "info", **always: str) -> None:
    """Send this process's logs, the libraries' included, to stdout as JSON; `always` stands in every line.

    Libraries are heard from WARNING up: their access and debug lines hold paths, and paths hold link secrets.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _TRACEBACKS,
    ]

    def add_always(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {**always, **event}

    structlog.configure(
        processors=[*shared, add_always, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, add_always],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))
