"""The front door of the stack: the router, and the signed file of placements it answers from."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from contracts.placements import ROUTING, CellAddress, Placement, Snapshot, State, write_snapshot
from kit.signing import SigningKey
from stack.cell import CellSite
from stack.site import FRONT, NURSERY, Part, Site
from stack.state import Workspace
from stack.supervisor import Step
from stack.unit import Service
from stack.waiting import over_http

PREFIX = "CELLCAST_ROUTER_"


def router_part(site: Site, cells: Sequence[CellSite]) -> Part:
    """The router, after the file of where each demo workspace lives."""
    signing_key = SigningKey.from_text(site.state.secret("registry", lambda: SigningKey.new().to_text()))
    file = site.folder.data / "router" / "routing.snapshot"
    settings = {
        "BIND": f"127.0.0.1:{site.state.port('router')}",
        "GO_URL": site.router_url,
        "SNAPSHOT_PATH": str(file),
        "REGISTRY_PUBLIC_KEYS": signing_key.public_text(),
    }

    async def place() -> None:
        await asyncio.to_thread(_write, file, _snapshot(site.state.ups, cells), signing_key)

    return Part(
        services=[
            Service(
                "router",
                site.cellcast("router serve", PREFIX, settings, "router"),
                over_http(site.state.port("router"), "/readyz", urlsplit(site.router_url).netloc),
                after=(NURSERY, "placements"),
                stage=FRONT,
            )
        ],
        steps=[Step("placements", place)],
    )


def _write(file: Path, snapshot: Snapshot, signing_key: SigningKey) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_snapshot(file, snapshot, signing_key)


def _snapshot(n: int, cells: Sequence[CellSite]) -> Snapshot:
    here = {cell.name for cell in cells}
    workspaces = {cell.workspace.id: cell.workspace for cell in cells if cell.workspace.cell in here}
    return Snapshot(
        audience=ROUTING,
        generation=1,
        n=n,
        made_at=datetime.now(UTC),
        cells=tuple(CellAddress(cell.name, cell.region, cell.url) for cell in cells),
        placements=tuple(_placement(one) for one in workspaces.values()),
    )


def _placement(workspace: Workspace) -> Placement:
    return Placement(UUID(workspace.id), workspace.key, workspace.cell, 1, State.ACTIVE, 1)
