"""Grafana's dashboards, written from the tables."""

import hashlib
from typing import Any

from observability.dashboards import DASHBOARDS
from observability.dashboards.panel import Dashboard, Panel

Json = dict[str, Any]  # as Grafana reads it
WIDE, HIGH = 24, 8  # Grafana's grid
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_OF = {"region": "label_values(up, region)", "cell": 'label_values(up{part="cell"}, cell)'}


def files() -> dict[str, Json]:
    """Every dashboard by its file's name."""
    return {f"{one.name}.json": made(one) for one in DASHBOARDS}


def made(one: Dashboard) -> Json:
    """One dashboard. Its uid comes of its name, so that links to it last."""
    panels: list[Json] = []
    below = 0
    for row in one.rows:
        panels.append({"type": "row", "title": row.title, "gridPos": _at(0, below, WIDE, 1), "panels": []})
        below += 1
        beside = min(len(row.panels), 4)
        for number, panel in enumerate(row.panels):
            width = WIDE // beside
            panels.append(_panel(panel, _at(number % beside * width, below + number // beside * HIGH, width, HIGH)))
        below += -(-len(row.panels) // beside) * HIGH
    for number, panel_made in enumerate(panels, start=1):
        panel_made["id"] = number
    return {
        "uid": f"cellcast-{hashlib.sha256(one.name.encode()).hexdigest()[:12]}",
        "title": one.title,
        "tags": ["cellcast"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_data_source(), *map(_choice, one.chosen)]},
        "links": [{"type": "dashboards", "tags": ["cellcast"], "title": "Cellcast", "asDropdown": True}],
        "panels": panels,
    }


def _panel(one: Panel, at: Json) -> Json:
    targets = [
        {
            "refId": chr(ord("A") + number),
            "expr": query,
            "legendFormat": legend,
            "datasource": _SOURCE,
            **({"instant": True, "format": "table"} if one.kind == "table" else {}),
        }
        for number, (legend, query) in enumerate(one.queries.items())
    ]
    return {
        "type": one.kind,
        "title": one.title,
        "description": one.says,
        "datasource": _SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": one.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def _at(x: int, y: int, w: int, h: int) -> Json:
    return {"x": x, "y": y, "w": w, "h": h}


def _data_source() -> Json:
    return {"type": "datasource", "name": "source", "label": "Prometheus", "query": "prometheus"}


def _choice(label: str) -> Json:
    return {
        "type": "query",
        "name": label,
        "label": label.capitalize(),
        "datasource": _SOURCE,
        "query": _OF[label],
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",  # routers and provisioning have no cell
        "current": {"text": "All", "value": "$__all"},
    }
