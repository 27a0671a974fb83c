"""The most dangerous mistakes, found in the source: SQL made of text, and a query outside a workspace's scope."""

import ast
from pathlib import Path

import pytest

from tests.guards.modules import ROOT, sources_of

SOURCES = sources_of("kit", "cell")
WORDS = ("select ", "insert into ", "update ", "delete from ", "alter ", "create ", "drop ", "grant ")

# Statements about tables' names and a constant of ours, which cannot be parameters.
MAKES_SQL_OF_TEXT = {"kit/migrations.py", "kit/tenancy.py"}

# Who may open a transaction outside every workspace's scope, and for what.
OUTSIDE = {
    "kit/database.py": "defines it",
    "kit/jobs/runner.py": "dispatch rows of jobs",
    "kit/jobs/sweep.py": "dispatch rows of jobs",
    "kit/calls/nonces.py": "numbers of calls between processes, which are used once",
    "cell/workspaces/service.py": "leads from a key to a scope, and founds workspaces",
}

# Who may speak to SQLAlchemy's sessions and engines at all.
SESSIONS = {
    "kit/migrations.py",
    "kit/calls/nonces.py",
    "kit/database.py",
    "kit/direct.py",
    "kit/jobs/runner.py",
    "kit/jobs/sweep.py",
    "cell/workspaces/service.py",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_statement_is_put_together_from_text(path: Path) -> None:
    if name(path) in MAKES_SQL_OF_TEXT:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            start = next((part.value for part in node.values if isinstance(part, ast.Constant)), "")
            looks_like_sql = str(start).lstrip().lower().startswith(WORDS)
            assert not looks_like_sql, f"{name(path)}:{node.lineno}: give values as parameters, never in the text"
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "text":
            fixed = all(isinstance(argument, ast.Constant) for argument in node.args)
            assert fixed, f"{name(path)}:{node.lineno}: text() takes a constant; values are parameters"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_a_few_look_outside_a_workspaces_scope(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == "outside" and name(path) not in OUTSIDE:
            raise AssertionError(
                f"{name(path)}:{node.lineno}: outside() sees no tenant and is no way around scopes; "
                "use reading() or writing(), or give it a reason in OUTSIDE"
            )


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nobody_else_opens_sessions_or_connections(path: Path) -> None:
    if name(path) in SESSIONS:
        return
    imports = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom | ast.Import)]
    for node in imports:
        for alias in node.names:
            assert alias.name not in {"AsyncSession", "create_async_engine", "async_sessionmaker", "asyncpg"}, (
                f"{name(path)}:{node.lineno}: transactions begin with reading() and writing() of kit/database.py"
            )


def test_the_lists_name_files_that_are_there() -> None:
    for listed in {*OUTSIDE, *SESSIONS, *MAKES_SQL_OF_TEXT}:
        assert (ROOT / listed).is_file(), f"strike {listed} off the list"
