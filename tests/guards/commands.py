"""The command line as it is, for whatever names commands."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from kit.cli import tree


@cache
def commands() -> dict[tuple[str, ...], frozenset[str]]:
    """Every command by its words after `cellcast`, with its options."""
    return dict(_below(typer.main.get_command(tree()), ()))


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """`command` is of the click that typer brings, which has no public name."""
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    below = getattr(command, "commands", {})
    if not below:
        yield words, frozenset(options | {"--help"})
    for name, one in below.items():
        yield from _below(one, (*words, name))


def wrong_with(line: str) -> str:
    """What is wrong with a line like `cellcast cells show eu-1`; empty where nothing is."""
    words = line.split()[1:]
    known = [count for count in range(len(words), -1, -1) if tuple(words[:count]) in commands()]
    if not known:
        return f"`{line}`: there is no such command"
    named = tuple(words[: known[0]])
    options = {word.partition("=")[0] for word in words[len(named) :] if word.startswith("-") and len(word) > 1}
    strangers = {one for one in options if not one[1:].isdigit()} - commands()[named]
    return f"`{line}`: it has no {', '.join(sorted(strangers))}" if strangers else ""
