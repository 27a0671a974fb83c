"""Every setting is described, and stands in docs/settings.md as it is."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from kit.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"
HOW = "python -m tests.guards.test_settings > docs/settings.md"
HEAD = """# Settings

Each process reads its settings from the environment, and refuses to start when one is missing, wrong or unknown.
Written by `{how}`; a test compares.
"""


def all_settings() -> list[type[Settings]]:
    """Every class of settings, found by importing each module named settings."""
    for part in ("kit", "cell", "router", "control_plane"):
        package = importlib.import_module(part)
        for module in pkgutil.walk_packages(package.__path__, f"{part}."):
            if module.name.endswith(".settings"):
                importlib.import_module(module.name)
    found = [one for one in Settings.__subclasses__() if not one.__module__.startswith(("tests.", "test_"))]
    return sorted(found, key=lambda one: str(one.model_config["env_prefix"]))


def page() -> str:
    """What docs/settings.md should be."""
    lines = [HEAD.format(how=HOW)]
    for settings in all_settings():
        lines += [f"## {settings.__module__.removesuffix('.settings')}", "", (settings.__doc__ or "").strip(), ""]
        lines += ["| name | default | what it is |", "|---|---|---|"]
        for name, field in settings.model_fields.items():
            full = f"{settings.model_config['env_prefix']}{name}".upper()
            default = "required" if field.default is PydanticUndefined else f"`{field.default}`".replace("``", "empty")
            lines.append(f"| `{full}` | {default} | {field.description} |")
        lines.append("")
    return "\n".join(lines)


@pytest.mark.parametrize("settings", all_settings(), ids=lambda one: one.__name__)
def test_every_setting_is_described(settings: type[Settings]) -> None:
    assert settings.__doc__ and str(settings.model_config.get("env_prefix", "")).startswith("CELLCAST_")
    for name, field in settings.model_fields.items():
        assert field.description and len(field.description) > 8, f"{settings.__name__}.{name}: describe it in its Field"


@pytest.mark.parametrize("settings", all_settings(), ids=lambda one: one.__name__)
def test_a_secret_is_never_shown(settings: type[Settings]) -> None:
    for name, field in settings.model_fields.items():
        if {"secret", "master", "password", "private"} & set(name.split("_")):
            assert "Secret" in str(field.annotation), f"{settings.__name__}.{name}: make it a SecretStr"


def test_the_page_says_what_is() -> None:
    assert PAGE.exists() and PAGE.read_text() == page(), f"the settings changed: {HOW}"


if __name__ == "__main__":
    print(page(), end="")
