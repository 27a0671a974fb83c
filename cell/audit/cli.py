"""`cellcast audit ...`: checking an exported audit log, anywhere, with no server and no settings."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, NoReturn

import typer

if TYPE_CHECKING:
    from contracts.audit_check import Verdict
    from contracts.audit_heads import SignedHead

BROKEN, WRONG_USAGE = 1, 2
PIECE = 1 << 20  # bytes read at once
SHOW_FROM = 64 << 20  # bytes of a file from which on it is shown how far the check is; that takes some seconds

app = typer.Typer(
    help="Check an exported audit log, offline.",
    no_args_is_help=True,
    epilog="Exit codes: 0 the log holds, 1 it does not, 2 wrong usage or a file that cannot be read.",
)


@app.callback()
def audit() -> None:
    """Check an exported audit log, offline."""


File = Annotated[Path, typer.Argument(help="The exported log: JSON lines, as the page of the audit log gives them.")]
Heads = Annotated[
    list[Path] | None,
    typer.Option("--head", help="A signed head that was kept outside; may be given several times.", show_default=False),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--public-key", help="A key that signs for the cell, base64; may be given several times."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command(
    epilog="Example: cellcast audit verify acme-audit-2026-11-25.jsonl --head acme-audit-head-12.json "
    "--public-key UnjGJ0eT3X2qBq9yNNcMCXuHwZkzzJ7vJOl6lYb7oYQ=  \n\n"
    "Exit codes: 0 the log holds, 1 it does not, 2 wrong usage or a file that cannot be read."
)
def verify(file: File, head: Heads = None, public_key: Keys = None, as_json: Json = False) -> None:
    """Say whether an exported log is whole and unchanged, and if not, the first entry that is wrong and why.

    The chain of hashes alone shows any change between the first entry and the last. Signed heads show entries cut off
    at the end, or a log that was written anew; whether head and file are signed by us is checked with --public-key.
    """
    from contracts.audit_check import NotAnExport, check, split_lines
    from kit.signing import PublicKeys

    try:
        keys = PublicKeys.from_text(",".join(public_key)) if public_key else None
    except ValueError as error:
        _give_up(f"--public-key: {error}", as_json)
    heads = [one for path in head or [] for one in _heads(path, as_json)]
    try:
        with file.open("rb") as stream:
            verdict = check(split_lines(_pieces(stream, quiet=as_json)), heads, keys)
    except OSError as error:
        _give_up(f"{file}: {error.strerror}", as_json)
    except NotAnExport as error:
        _give_up(f"{file}: {error}", as_json)
    sys.stdout.write(json.dumps(_facts(verdict), indent=2) + "\n" if as_json else _words(verdict))
    raise typer.Exit(0 if verdict.holds else BROKEN)


def _heads(path: Path, as_json: bool) -> "list[SignedHead]":
    from contracts.audit_heads import HeadUnreadable, SignedHead

    try:
        return [SignedHead.read(line) for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        _give_up(f"{path}: {error.strerror}", as_json)
    except HeadUnreadable as error:
        _give_up(f"{path}: {error}", as_json)


def _pieces(stream: BinaryIO, *, quiet: bool) -> Iterator[bytes]:
    """The file in pieces; how far it is, on stderr, where somebody looks and it takes a while."""
    size = os.fstat(stream.fileno()).st_size
    if quiet or size < SHOW_FROM or not sys.stderr.isatty():
        yield from iter(lambda: stream.read(PIECE), b"")
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("checking", total=size)
        for piece in iter(lambda: stream.read(PIECE), b""):
            yield piece
            progress.advance(task, len(piece))


def _facts(verdict: "Verdict") -> dict[str, object]:
    return {
        "holds": verdict.holds,
        "workspace_id": verdict.about.workspace_id,
        "workspace_key": verdict.about.workspace_key,
        "cell": verdict.about.cell,
        "exported_at": verdict.about.exported_at,
        "entries": verdict.entries,
        "last_hash": verdict.last_hash,
        "first_at": verdict.first_at,
        "last_at": verdict.last_at,
        "covered_by_heads": verdict.covered,
        "heads": [
            {"n": one.head.head.n, "seq": one.head.head.seq, "at": one.head.head.at, "signature": one.signature}
            for one in verdict.heads
        ],
        "file_signature": verdict.file_signature,
        "findings": [asdict(one) for one in verdict.findings],
    }


def _words(verdict: "Verdict") -> str:
    about = verdict.about
    said = [
        f"Audit log of {about.workspace_key} ({about.workspace_id}), exported {about.exported_at} from {about.cell}"
    ]
    for one in verdict.findings:
        at = f", line {one.line} of the file" if one.line else ""
        said.append(f"BROKEN at entry {one.seq}{at} ({one.wrong}): {one.reason}")
    upto = f", {verdict.first_at} to {verdict.last_at}" if verdict.entries else ""
    said.append(f"{verdict.entries} entries hold{upto}; the last hash is {verdict.last_hash}")
    for seen in verdict.heads:
        head = seen.head.head
        said.append(f"head {head.n} of {head.at}: {head.seq} entries; signature {seen.signature}")
    if not verdict.heads:
        said.append("no signed head was compared: entries cut off at the end would not show (--head)")
    said.append(f"the file's own signature: {verdict.file_signature}")
    if verdict.file_signature == "unchecked":
        said.append("who signed was not checked: give the cell's key with --public-key")
    said.append("The log holds." if verdict.holds else "The log does not hold.")
    return "\n".join(said) + "\n"


def _give_up(reason: str, as_json: bool) -> NoReturn:
    sys.stderr.write((json.dumps({"error": reason}) if as_json else reason) + "\n")
    raise typer.Exit(WRONG_USAGE)
