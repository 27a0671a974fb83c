"""Dashboards as Grafana imports them."""

import json

from observability import grafana
from observability.dashboards import DASHBOARDS


def test_panels_do_not_lie_over_one_another_and_have_their_own_ids() -> None:
    for name, content in grafana.files().items():
        taken: set[tuple[int, int]] = set()
        for panel in content["panels"]:
            at = panel["gridPos"]
            squares = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not taken & squares, f"{name}: {panel['title']}"
            assert at["x"] + at["w"] <= grafana.WIDE
            taken |= squares
        ids = [panel["id"] for panel in content["panels"]]
        assert len(set(ids)) == len(ids)


def test_each_is_a_file_of_its_own_with_every_query() -> None:
    made = grafana.files()
    assert len({content["uid"] for content in made.values()}) == len(DASHBOARDS) == len(made)
    for one in DASHBOARDS:
        text = json.dumps(made[f"{one.name}.json"])
        for row in one.rows:
            for panel in row.panels:
                assert all(json.dumps(query) in text for query in panel.queries.values())
        for label in one.chosen:
            assert f"${label}" in text, f"{one.name}: {label} can be chosen and changes nothing"
