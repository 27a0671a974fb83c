"""The command line `cellcast`: each part brings its commands, only the called one is loaded."""

import sys
from importlib.metadata import entry_points
from importlib.util import find_spec

import typer

_GROUP = "cellcast.commands"


def main() -> None:
    """Run the command line; the exit code is 0, 1 for a failure, 2 for wrong usage."""
    tree(sys.argv[1] if len(sys.argv) > 1 else "")(prog_name="cellcast")


def tree(called: str = "") -> typer.Typer:
    """Every command, or those of the part that is called."""
    root = typer.Typer(
        name="cellcast",
        help="Cellcast: customers record their screen, the footage stays in its region.",
        epilog="Example: cellcast stack up --dir ./demo",
        no_args_is_help=True,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # An image leaves out what only a checkout has, as the stack.
    there = (point for point in entry_points(group=_GROUP) if find_spec(point.module.partition(".")[0]))
    parts = {point.name: point for point in there}
    for name in [called] if called in parts else sorted(parts):
        root.add_typer(parts[name].load(), name=name)
    return root


if __name__ == "__main__":
    main()
