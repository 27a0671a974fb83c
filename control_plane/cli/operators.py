"""`cellcast operators ...`: who may operate, and the record of what was done."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from contracts import audit as chain
from control_plane.cli.commands import Answer, command, give_up, group
from control_plane.cli.server import REFUSED, Server, failed

app = group("Operators: their tokens, and the audit log of what they did.")
COLUMNS = ("name", "issued_by", "issued_at", "expires_at", "used_at", "revoked_at")
PAGE = 1000

Name = Annotated[str, typer.Argument(help="An account like on-call or ci-deploy, not a person's name.")]
Days = Annotated[int, typer.Option("--days", help="How long it counts.", min=1, max=366)]


@command(app, "issue", "cellcast operators issue ci-deploy --days 30")
def issue(server: Server, name: Name, days: Days = 90) -> Answer:
    """Make a token for a new operator; it is shown this once."""
    return Answer(server.post("operators", name=name, days=days))


@command(app, "list", "cellcast operators list")
def list_(server: Server) -> Answer:
    """All tokens, ended ones too."""
    return Answer(server.get("operators"), COLUMNS)


@command(app, "rotate", "cellcast operators rotate ci-deploy --overlap-minutes 10")
def rotate(
    server: Server,
    name: Name,
    days: Days = 90,
    overlap: Annotated[int, typer.Option("--overlap-minutes", help="How long the present one still counts.")] = 60,
) -> Answer:
    """Make a new token for an operator and let the present one run out."""
    return Answer(server.post("operators", name, "rotate", days=days, overlap_minutes=overlap))


@command(app, "revoke", "cellcast operators revoke ci-deploy")
def revoke(server: Server, name: Name) -> Answer:
    """End all tokens of an operator at once."""
    return Answer(server.post("operators", name, "revoke"))


@command(app, "audit", "cellcast operators audit --json > audit.json")
def audit(
    server: Server, after: Annotated[int, typer.Option("--after", help="Only entries beyond this number.", min=0)] = 0
) -> Answer:
    """The whole audit log, oldest first."""
    items: list[dict[str, object]] = []
    while True:
        page = server.get("audit", after=after + len(items), limit=PAGE)["items"]
        items += page
        if len(page) < PAGE:
            break
    return Answer({"items": [{**_line(one), **one} for one in items]}, ("seq", "at", "actor", "action", "target"))


@app.command("verify", epilog="Example: cellcast operators verify audit.json")
def verify(file: Annotated[Path, typer.Argument(help="What `audit --json` wrote, from the first entry on.")]) -> None:
    """Check the audit log's chain of hashes; needs no control plane."""
    try:
        items = json.loads(file.read_bytes())["items"]
        entries = [(one["stored"], bytes.fromhex(one["hash"])) for one in items]
    except (OSError, ValueError, KeyError, TypeError) as error:
        give_up(failed(2, f"{file} is no audit log", type(error).__name__), as_json=False)
    broken = chain.first_broken(entries)
    if broken is not None:
        give_up(failed(REFUSED, f"Broken at entry {broken.seq}", broken.reason), as_json=False)
    head = entries[-1][1].hex() if entries else "-"
    sys.stdout.write(f"{len(entries)} entries hold; the last hash is {head}\n")


def _line(entry: dict[str, object]) -> dict[str, object]:
    stored = entry["stored"]
    assert isinstance(stored, dict)
    target = f"{stored['target']['kind']} {stored['target']['id']}"
    return {
        **{name: stored[name] for name in ("seq", "at", "action")},
        "actor": stored["actor"]["name"],
        "target": target,
    }
