"""Structured logs: one JSON object a line on stdout, with the ids of the work at hand, no personal data."""

import logging
import sys
from typing import Any

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


class _WithoutValues(structlog.tracebacks.ExceptionDictTransformer):
    """Where and what, without values, since those are what people typed.

    No local variables, and of an exception's text the first line: pydantic and PostgreSQL name values from the
    second line on.
    """

    def __init__(self) -> None:
        super().__init__(show_locals=False)

    def __call__(self, exc_info: structlog.typing.ExcInfo) -> list[dict[str, Any]]:
        stacks = super().__call__(exc_info)
        for stack in stacks:
            _shorten(stack)
        return stacks


def _shorten(stack: dict[str, Any]) -> None:  # structlog's own form
    stack["exc_value"] = str(stack["exc_value"]).partition("\n")[0]
    for group in stack["exceptions"]:
        for inner in group:
            _shorten(inner)


_TRACEBACKS = structlog.processors.ExceptionRenderer(_WithoutValues())


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
    # It warns of each write to a client that has gone, as often as the client likes.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))
