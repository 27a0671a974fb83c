"""The command line's part of a sign-up: who founds a workspace goes straight to the region, past the control plane."""

import getpass
import secrets
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from control_plane.cli.server import REFUSED, WRONG_USAGE, Failed, ask, failed

LONG = range(12, 201)  # characters of a password, as the region's form has them
# Without what is easily read as something else: the password may be dictated once.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 5  # 25 of 31 letters are 123 bits


@dataclass(frozen=True)
class Founder:
    """Who founds a workspace. Personal: nothing of it is sent to the control plane."""

    company: str
    name: str
    email: str
    password: str = field(repr=False)


def new_password() -> str:
    """A password that nobody guesses and somebody can type."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def read_password() -> str:
    """The first line of standard input; at a terminal it is asked for and not shown. Raises Failed."""
    line = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline()
    password = line.rstrip("\r\n")
    if len(password) not in LONG:
        raise failed(WRONG_USAGE, "No password that can be used", f"Use {LONG.start} to {LONG.stop - 1} characters.")
    return password


def finish(reserved: dict[str, Any], request_key: str, founder: Founder, language: str) -> dict[str, Any]:
    """Have the region make what is reserved; its answer. Raises Failed, with what to repeat."""
    url = reserved["sign_up_url"]
    if not url:
        raise failed(
            REFUSED,
            f"The control plane does not know the provisioning of {reserved['region']}",
            "Set CELLCAST_CONTROL_PLANE_SIGN_UP_URLS there, start it again and repeat the command; to give up what is "
            f"reserved: cellcast workspaces abandon {reserved['key']} --why ...",
        )
    body: dict[str, object] = {**asdict(founder), "request_key": request_key, "language": language}
    hint = "Is it running, and is the control plane's CELLCAST_CONTROL_PLANE_SIGN_UP_URLS right?"
    return ask(url, "POST", "/api/v1/sign-ups", body, {"Origin": url}, f"provisioning of {reserved['region']}", hint)


def to_repeat(refused: Failed, reserved: dict[str, Any], request_key: str, drawn: str | None) -> Failed:
    """The same failure with what an operator needs to go on: the workspace is either made by then or not there."""
    slug = str(refused.problem.get("type"))
    if slug == "/problems/workspace-undone":
        way = "Repeat the command with another request key; a --key that was given is spent."
    elif slug == "/problems/workspace-differs":
        way = (
            "This request key made a workspace for another founder. Repeat the command as it was, or with another key."
        )
    elif slug == "/problems/invalid":
        way = f"Mend that and repeat the command with --request-key {request_key}: it finishes what is reserved."
    else:
        way = (
            f"Nothing half made is visible to anybody. Repeat the command with --request-key {request_key} and this "
            "password (--password-stdin): it finishes what is reserved, or finds it made. What nobody finishes within "
            "a minute or so is taken back."
        )
    facts = {"request_key": request_key, "workspace_key": reserved["key"]} | ({"password": drawn} if drawn else {})
    detail = f"{refused.problem.get('detail', '')} {way}".strip()
    return Failed(refused.code, {**refused.problem, **facts, "detail": detail})
