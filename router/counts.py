"""What workers count in their rows: a table, which becomes metrics of the whole router."""

from kit.rowcounts import Times, counter, gauge
from kit.workers import READY
from router.pages import Outcome

OPEN, CUT = READY + 1, READY + 2
COLUMN = {outcome: number for number, outcome in enumerate(Outcome, CUT + 1)}
_BOUNDS_S = (0.0002, 0.0005, 0.001, 0.005, 0.025, 0.1)
TIMES = Times("cellcast_router_request_seconds", "Time to find the answer", CUT + 1 + len(COLUMN), _BOUNDS_S)

_OUTCOMES = {outcome.value: column for outcome, column in COLUMN.items()}
TABLE = (
    counter("cellcast_router_requests", "Requests that were led on, described or refused", _OUTCOMES, "outcome"),
    counter("cellcast_router_connections_cut", "Connections that were ended for being slow or too many", CUT),
    gauge("cellcast_router_connections", "Connections that are open", OPEN),
    gauge("cellcast_router_workers", "Workers that answer", READY),
    TIMES,
)
