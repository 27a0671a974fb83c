"""The log as a file: read in batches and written as it is read, so that one of any length takes little memory."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from uuid import UUID

from cell.actors import Actor
from cell.audit import finding, heads, queries, service
from cell.audit.finding import Filter
from cell.audit.queries import ANY, Wanted
from cell.audit.service import Line
from cell.resources import Cell
from cell.workspaces.models import Workspace
from contracts.audit_export import About, Writer
from contracts.audit_heads import SignedHead
from kit.database import now
from kit.storage import StorageUnavailable

BATCH = 200  # entries read at once: other requests wait for some 10 ms, and it is a fraction of a MB

Alive = Callable[[], Awaitable[bool]]


class Form(StrEnum):
    """What the file is."""

    CSV = "csv"  # for reading: the entries that the filters show
    JSON_LINES = "jsonl"  # for checking: the whole log, from its first entry on


@dataclass(frozen=True)
class Export:
    """A file that is about to be written: the entries up to `last`, which is the export's own."""

    workspace: Workspace
    form: Form
    wanted: Wanted
    last: int


async def begin(cell: Cell, workspace: Workspace, by: Actor, form: Form, filters: Filter) -> Export:
    """Log that somebody takes the log along; that entry is the last one in the file."""
    chosen = sorted(filters.query) if form is Form.CSV else []
    async with cell.database.writing(workspace.workspace_id) as tx:
        meant = await finding.wanted(tx, filters) if form is Form.CSV else ANY
        target = service.Target("workspace", workspace.workspace_id)
        last = await service.append(tx, by, "audit.export", target, {"form": form.value, "filters": chosen})
    return Export(workspace, form, meant, last)


async def written(cell: Cell, export: Export, alive: Alive) -> AsyncIterator[bytes]:
    """The file in pieces. Where whoever asked is signed out meanwhile it ends unfinished, and shows that it is."""
    pieces = _csv(cell, export) if export.form is Form.CSV else _json_lines(cell, export)
    async for piece in pieces:
        if not await alive():
            return
        yield piece


async def _json_lines(cell: Cell, export: Export) -> AsyncIterator[bytes]:
    writer = Writer()
    workspace = export.workspace
    yield writer.begin(
        About(
            cell=cell.settings.name,
            exported_at=now().isoformat(),
            head=await _newest_head(cell, workspace.workspace_id),
            last=export.last,
            workspace_id=str(workspace.workspace_id),
            workspace_key=workspace.key,
        )
    )

    def write(lines: list[Line]) -> bytes:
        return b"".join(writer.entry(line.stored, line.hash, line.readable) for line in lines)

    async for lines in _batches(cell, export):
        yield await asyncio.to_thread(write, lines)
    yield writer.end(cell.settings.signing_key)


async def _newest_head(cell: Cell, workspace_id: UUID) -> SignedHead | None:
    """The newest signed head; none where the bucket is away, since the log itself is what was asked for."""
    try:
        return await heads.newest(cell.bucket, workspace_id)
    except StorageUnavailable:
        return None


async def _csv(cell: Cell, export: Export) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf" + _rows([list(COLUMNS)])  # without the mark, Excel takes UTF-8 for its own code page
    async for lines in _batches(cell, export):
        yield await asyncio.to_thread(_rows, [_row(line) for line in lines])


async def _batches(cell: Cell, export: Export) -> AsyncIterator[list[Line]]:
    """The entries, oldest first. Each batch is a transaction of its own, so that a slow reader holds none open."""
    seq = 0
    while True:
        async with cell.database.reading(export.workspace.workspace_id) as tx:
            found = await tx.all(queries.newer(export.wanted, seq, BATCH, export.last))
            lines = await service.lines(tx, found)
        if lines:
            yield lines
        if len(lines) < BATCH:
            return
        seq = lines[-1].seq


COLUMNS = (
    "seq",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "origin",
    "action",
    "target_kind",
    "target_id",
    "target_name",
    "target_email",
    "target_other",
    "details",
    "request_id",
    "hash",
)


def _row(line: Line) -> list[str]:
    return [
        str(line.seq),
        line.at.isoformat(),
        line.actor_kind,
        str(line.actor_id),
        line.actor_name,
        line.origin,
        line.action,
        line.target_kind,
        line.target_id,
        line.personal.get("name", ""),
        line.personal.get("email", ""),
        _json({name: value for name, value in line.personal.items() if name not in {"name", "email"}}),
        _json(line.details),
        line.request_id,
        line.hash.hex(),
    ]


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""


def _rows(rows: list[list[str]]) -> bytes:
    to = StringIO()
    csv.writer(to, quoting=csv.QUOTE_ALL).writerows([plain(cell) for cell in row] for row in rows)
    return to.getvalue().encode()


# What makes a spreadsheet take a cell for a formula, the full-width forms too (OWASP, "CSV Injection").
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def plain(cell: str) -> str:
    """A text that no spreadsheet computes: an apostrophe before what could begin a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA) else cell
