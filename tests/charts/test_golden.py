"""Charts render to what was looked at."""

from tests.charts.golden import FOLDER, HOW, wanted


def test_charts_render_to_what_was_looked_at() -> None:
    found = {path: path.read_text() for path in FOLDER.rglob("*") if path.is_file()}
    expected = wanted()
    assert found.keys() == expected.keys(), HOW
    for path, text in expected.items():
        assert found[path] == text, f"{path.relative_to(FOLDER)} changed; look at it, then: {HOW}"
