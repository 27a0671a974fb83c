"""What asking who owns a workspace costs a transaction that writes."""

import asyncio
import time
from statistics import median
from uuid import UUID

import asyncpg

from loadtest.bench.deployment import deployment
from loadtest.bench.figures import figure

WARM, ROUNDS = 100, 1500

# The same scope without the lock and without looking at ownership: what is left is what the fence costs.
_SCOPE_ALONE = "select set_config('app.workspace_id', $1, true), set_config('app.writing', $1, true)"
_FENCED = "select open_write($1)"
_WRITE = "update workspaces set name = name where workspace_id = $1"


@figure("ownership.fence_ms", unit="ms", target=0.3, better="lower")
def fence() -> float:
    """A transaction of one UPDATE, opened by `open_write` and by setting its scope alone, turn and turn about.

    The difference of the medians, on one connection as the application's role.
    """
    return asyncio.run(_fence())


async def _fence() -> float:
    here = deployment()
    workspace = here.workspace("eu")
    connection = await asyncpg.connect(here.facts["cells"][workspace["cell"]]["dsn"])
    try:
        times: dict[str, list[float]] = {_FENCED: [], _SCOPE_ALONE: []}
        for number in range(WARM + ROUNDS):
            for opening, argument in ((_FENCED, UUID(workspace["id"])), (_SCOPE_ALONE, workspace["id"])):
                began = time.perf_counter()
                async with connection.transaction():
                    await connection.fetchrow(opening, argument)
                    await connection.execute(_WRITE, UUID(workspace["id"]))
                if number >= WARM:
                    times[opening].append(time.perf_counter() - began)
        return (median(times[_FENCED]) - median(times[_SCOPE_ALONE])) * 1000
    finally:
        await connection.close()
