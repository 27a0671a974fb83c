"""Finding every module of a part, so that guards see what nobody told them of."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
NOT_MODULES = ("cell.migrations", "cell.ui.node_modules")


def modules_of(part: str, named: str = "") -> list[ModuleType]:
    """Every module below a package, or those with this last name."""
    package = importlib.import_module(part)
    found = [package]
    for module in pkgutil.walk_packages(package.__path__, f"{part}."):
        if module.name.startswith(NOT_MODULES):
            continue
        if not named or module.name.rpartition(".")[2] == named:
            found.append(importlib.import_module(module.name))
    return found


def sources_of(*parts: str) -> list[Path]:
    """Every Python file below these folders, migrations and what npm brought left out."""
    found = [path for part in parts for path in (ROOT / part).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts and "node_modules" not in path.parts]
