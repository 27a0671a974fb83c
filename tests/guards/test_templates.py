"""Every template compiles, and asks for nothing that its page does not give."""

from pathlib import Path

import pytest
from jinja2 import meta, nodes

from cell.ui.pages import CELL, UI, _environment

FRAME = {"me", "may", "fresh", "workspace", "base", "go_url", "here"}
TEMPLATES = sorted(path for path in CELL.rglob("*.html") if "node_modules" not in path.parts)


# Where text is put into a page as it stands, with the reason.
AS_IT_STANDS = {"macros/icon.html": "paths of icons, which are constants beside it"}


def name_of(path: Path) -> str:
    """The name that pages draw it by."""
    if path.is_relative_to(UI / "templates"):
        return str(path.relative_to(UI / "templates"))
    if path.is_relative_to(UI):
        return str(path.relative_to(UI))
    return f"{path.parent.parent.name}/{path.name}"


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_it_compiles(path: Path, language: str) -> None:
    assert _environment(language).get_template(name_of(path)) is not None


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_nothing_in_it_is_a_script_or_a_style(path: Path) -> None:
    text = path.read_text()
    if name_of(path) in AS_IT_STANDS:
        text = text.replace("| safe", "")
    for forbidden in (" onclick=", " onload=", " onerror=", " style=", "<style", "javascript:", "|safe", "| safe"):
        assert forbidden not in text, f"{path.name}: {forbidden.strip()} does not go with the Content-Security-Policy"
    for script in text.split("<script")[1:]:
        tag = script.partition(">")[0]
        assert "src=" in tag or "application/json" in tag, f"{path.name}: no inline script"
    assert "http://" not in text.replace("http://www.w3.org/", "") and "//cdn" not in text


def test_what_pages_give_is_what_templates_ask_for() -> None:
    """Names that no environment knows must be among those that some handler gives."""
    environment = _environment("en")
    known = FRAME | set(environment.globals)
    given = "\n".join(path.read_text() for path in CELL.rglob("*.py") if "node_modules" not in path.parts)
    for path in TEMPLATES:
        parsed = environment.parse(path.read_text())
        asked = meta.find_undeclared_variables(parsed) - known - _own_names(parsed)
        unknown = {name for name in asked if f"{name}=" not in given and f'"{name}"' not in given}
        assert not unknown, f"{name_of(path)} asks for {unknown}, which nobody gives"


def _own_names(parsed: nodes.Template) -> set[str]:
    """What a template imports, sets or defines; its blocks see it too."""
    found = set()
    for one in parsed.find_all(nodes.FromImport):
        found |= {name if isinstance(name, str) else name[1] for name in one.names}
    found |= {one.target.name for one in parsed.find_all(nodes.Assign) if isinstance(one.target, nodes.Name)}
    found |= {one.name for one in parsed.find_all(nodes.Macro)}
    return found | {one.target for one in parsed.find_all(nodes.Import)}
