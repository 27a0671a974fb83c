"""Charts render to what was looked at."""

from pathlib import Path

import pytest

from tests.charts.golden import FOLDER, HOW, WATCHED, is_file, wanted, watch
from tests.charts.rendering import changed, rendered


def test_charts_render_to_what_was_looked_at() -> None:
    found = {path: path.read_text() for path in FOLDER.rglob("*") if path.is_file()}
    expected = wanted()
    assert found.keys() == expected.keys(), HOW
    for path, text in expected.items():
        assert found[path] == text, f"{path.relative_to(FOLDER)} changed; look at it, then: {HOW}"


def test_rules_and_dashboards_are_those_of_this_version(tmp_path: Path) -> None:
    watch(tmp_path)
    for name in ("rules", "dashboards"):
        made = {path.name: path.read_text() for path in (tmp_path / name).iterdir()}
        assert made == {path.name: path.read_text() for path in (WATCHED / name).iterdir()}, f"they changed: {HOW}"


@pytest.mark.parametrize("chart", ["provisioning", "control-plane"])
def test_rules_and_dashboards_come_with_a_release_unless_another_brings_them(chart: str) -> None:
    objects = [one["kind"] for one in rendered(chart, "eu") if is_file(one)]
    assert objects.count("PrometheusRule") == len(list((WATCHED / "rules").iterdir())) > 5
    assert objects.count("ConfigMap") == len(list((WATCHED / "dashboards").iterdir())) > 3
    without = changed(chart, "eu", {"monitoring.rules": False})
    assert not [one for one in without if is_file(one)]
    assert "ServiceMonitor" in {one["kind"] for one in without}
