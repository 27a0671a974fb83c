"""`cellcast audit verify`: one file, no server, no settings; an answer in words, in JSON and as an exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.exported import KEY, Exported, exported

CELLCAST = Path(sys.executable).with_name("cellcast")
LOG = exported(12, heads_at=(5, 8))
GROWTH = 8 << 20  # bytes that checking twenty times as much may take besides


def run(*arguments: str | Path, code: int = 0) -> str:
    """What the command says, with nothing of Cellcast in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}
    done = subprocess.run(
        [CELLCAST, "audit", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr if code == 2 else done.stdout


def written(folder: Path, log: Exported = LOG) -> Path:
    file = folder / "acme-audit.jsonl"
    file.write_bytes(b"".join(log.lines))
    return file


def kept(folder: Path, log: Exported = LOG) -> Path:
    file = folder / "head.json"
    file.write_bytes(log.heads[-1].line)
    return file


def test_a_log_that_holds(tmp_path: Path) -> None:
    said = run("verify", written(tmp_path), "--head", kept(tmp_path), "--public-key", KEY.public_text())
    assert "12 entries hold" in said and said.endswith("The log holds.\n") and LOG.hashes[-1].hex() in said
    assert "head 2" in said and "signature good" in said and "own signature: good" in said


def test_what_was_not_checked_is_said(tmp_path: Path) -> None:
    said = run("verify", written(tmp_path, exported(3, heads_at=())))
    assert "no signed head was compared" in said and "--public-key" in said


def test_the_first_wrong_entry_is_named(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"max_uses":7', b'"max_uses":9'))
    said = run("verify", file, code=1)
    assert "BROKEN at entry 7, line 8 of the file (hash)" in said and said.endswith("The log does not hold.\n")
    facts: dict[str, Any] = json.loads(run("verify", file, "--json", code=1))
    assert facts["findings"][0] | {"reason": ""} == {"wrong": "hash", "seq": 7, "line": 8, "reason": ""}
    assert facts["holds"] is False and facts["entries"] == 6


def test_cut_off_before_a_head_that_was_kept(tmp_path: Path) -> None:
    said = run("verify", written(tmp_path, exported(7, heads_at=())), "--head", kept(tmp_path), code=1)
    assert "entry 8" in said and "cut-off" in said


def test_json_says_everything(tmp_path: Path) -> None:
    facts = json.loads(run("verify", written(tmp_path), "--public-key", KEY.public_text(), "--json"))
    assert facts["holds"] is True and facts["findings"] == [] and facts["covered_by_heads"] == 8
    assert [one["signature"] for one in facts["heads"]] == ["good"] and facts["workspace_key"] == "acme"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.jsonl"], "No such file"),
        (["."], "directory"),
        (["pyproject.toml"], "first line"),
        (["LOG", "--head", "missing.json"], "No such file"),
        (["LOG", "--head", "pyproject.toml"], "no signed head"),
        (["LOG", "--public-key", "AAAA"], "32"),
    ],
)
def test_wrong_usage_is_told_from_a_broken_log(tmp_path: Path, arguments: list[str], says: str) -> None:
    log = str(written(tmp_path))
    assert says in run("verify", *[log if one == "LOG" else one for one in arguments], code=2)
    said = run("verify", *[log if one == "LOG" else one for one in arguments], "--json", code=2)
    assert says in json.loads(said)["error"]


def test_help_has_an_example_and_the_exit_codes() -> None:
    said = " ".join(run("verify", "--help").split())
    assert "cellcast audit verify" in said and "--head" in said and "Exit codes: 0 the log holds" in said


def test_a_log_of_any_length_takes_the_same_memory(tmp_path: Path) -> None:
    """Peak memory of the process, small against twenty times as long."""
    short, long = (_peak(tmp_path, entries) for entries in (1_000, 20_000))
    assert long < short + GROWTH, (short, long)


def _peak(folder: Path, entries: int) -> int:
    """Peak bytes of a process that checks a log of so many entries."""
    file = written(folder, exported(entries, heads_at=(entries,)))
    measure = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cell.audit.cli import app\n"
        "try:\n    app(['verify', sys.argv[1]])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", measure, file], capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout.splitlines()[-1]) * 1024
