"""Charts render to what was looked at."""

from pathlib import Path

from tests.charts.golden import FOLDER, HOW, WATCHED, is_file, wanted, watch
from tests.charts.rendering import rendered


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
    # A region's watching comes with its provisioning, of which there is one.
    objects = [one["kind"] for one in rendered("provisioning", "eu") if is_file(one)]
    assert objects.count("PrometheusRule") == len(list((WATCHED / "rules").iterdir()))
    assert objects.count("ConfigMap") == len(list((WATCHED / "dashboards").iterdir()))
