"""`python -m loadtest.bench`: takes every figure, or those whose names begin with one of ONLY=prefix,prefix."""

import os
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console

import loadtest.bench
from loadtest.bench import results
from loadtest.bench.figures import Unmeasurable, chosen

RESULTS = Path(__file__).parents[1] / "results" / "latest.json"


def main() -> int:
    """Measure, print one table, write the results; 0 when every figure asked for reached its target."""
    console = Console()
    for module in pkgutil.iter_modules(loadtest.bench.__path__):
        if module.name != "__main__":
            import_module(f"loadtest.bench.{module.name}")
    figures = chosen(prefix.strip() for prefix in os.environ.get("ONLY", "").split(",") if prefix.strip())
    if not figures:
        console.print("No figure has such a name. All of them:", *(one.name for one in chosen([])), sep="\n  ")
        return 1
    rows = []
    for one in figures:
        value = None
        with console.status(f"measuring {one.name}"):
            try:
                value = one.measure()
            except Unmeasurable as error:
                console.print(f"[red]{one.name}[/]: {error}")
            except Exception:  # one broken benchmark must not cost the others; it shows, and fails the run
                console.print(f"[red]{one.name}[/] broke:")
                console.print_exception()
        rows.append((one, results.result(one, value)))
        results.merge(RESULTS, [rows[-1][1]])
    console.print(results.table(rows))
    return 0 if all(measured.ok for _, measured in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
