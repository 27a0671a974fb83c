"""How PostgreSQL would run a statement, by a plan that was kept, or one that was made for these values."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kit.direct import DirectWriting

Node = dict[str, Any]


async def plan(tx: DirectWriting, mode: str, text: str, values: list[object], *options: str) -> Node:
    """The plan under `plan_cache_mode` `mode`; with the option ANALYZE it is run.

    Values that stand beside EXPLAIN are part of the plan: only a prepared statement has one that knows none.
    """
    await tx.row(f"SET LOCAL plan_cache_mode = {mode}")
    await tx.row(f"PREPARE asked AS {text}")
    given = f"({', '.join(map(_literal, values))})" if values else ""
    said = await tx.value(f"EXPLAIN ({', '.join((*options, 'FORMAT JSON'))}) EXECUTE asked{given}")
    await tx.row("DEALLOCATE asked")
    [answer] = json.loads(said) if isinstance(said, str) else said  # SQLAlchemy's connections decode JSON themselves
    found: Node = answer["Plan"]
    return found


def nodes(node: Node) -> Iterator[Node]:
    """A plan and all that is below."""
    yield node
    for below in node.get("Plans", []):
        yield from nodes(below)


def rows_read(node: Node) -> int:
    """How many rows a plan that was run has taken from tables."""
    return sum(
        int(one["Actual Loops"] * (one["Actual Rows"] + one.get("Rows Removed by Filter", 0)))
        for one in nodes(node)
        if "Relation Name" in one
    )


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"
