"""What can be run: one file a scenario, found by its name. A new one is a new file with a `SCENARIO`."""

import pkgutil
from importlib import import_module

from loadtest.scenario import Scenario


def names() -> list[str]:
    """Every scenario's name."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def get(name: str) -> Scenario:
    """A scenario by its name. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    made: Scenario = import_module(f"{__name__}.{name.replace('-', '_')}").SCENARIO
    return made
