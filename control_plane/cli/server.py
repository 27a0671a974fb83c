"""Our processes as the command line reaches them: where they are, whose token opens them, what their answers mean."""

import http.client
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from kit import localhost

TOKEN = "CELLCAST_OPERATOR_TOKEN"  # noqa: S105 - the name of a setting
TIMEOUT_S = 30
LARGEST = 64 << 20  # bytes of an answer
REFUSED, WRONG_USAGE, UNREACHABLE, NOT_THERE = 1, 2, 3, 4  # exit codes


@dataclass
class Failed(Exception):
    """What was asked was not done. `problem` is the control plane's problem+json, or one of ours in its form."""

    code: int
    problem: dict[str, Any]  # JSON

    @property
    def words(self) -> str:
        """For people: what happened, what to do, and whatever else was said."""
        known = {"type", "title", "status", "detail", "reference"}
        facts = [f"{name}: {json.dumps(value)}" for name, value in self.problem.items() if name not in known]
        return "\n".join([str(self.problem.get("title")), str(self.problem.get("detail", "")), *facts])


def failed(code: int, title: str, detail: str) -> Failed:
    """A failure that the command line noticed by itself."""
    return Failed(code, {"type": "about:blank", "title": title, "detail": detail})


@dataclass(frozen=True)
class Server:
    """An address and a token. `url` is scheme://host[:port]."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def find(cls, url: str | None, stack: Path | None) -> "Server":
        """From `--url` and the environment, or from a running stack's stack.json. Raises Failed."""
        described = _described(stack) if stack else {}
        address = url or described.get("url")
        token = os.environ.get(TOKEN) or described.get("operator_token")
        if not address:
            raise failed(WRONG_USAGE, "No control plane is named", "Give --url or --stack, or set CELLCAST_URL.")
        if not token:
            raise failed(WRONG_USAGE, "No operator token", f"Set {TOKEN}, or give --stack.")
        return cls(address.rstrip("/"), token)

    def get(self, *path: str, **query: object) -> dict[str, Any]:
        """Read `path` below the operators' API; None in the query is left out. Raises Failed."""
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", _path(path) + (f"?{urlencode(wanted)}" if wanted else ""), None)

    def post(self, *path: str, **body: object) -> dict[str, Any]:
        """Act at `path` below the operators' API. Raises Failed."""
        return self._ask("POST", _path(path), {name: value for name, value in body.items() if value is not None})

    def _ask(self, method: str, path: str, body: dict[str, object] | None) -> dict[str, Any]:
        hint = "Is it running, and is --url right?"
        return ask(self.url, method, path, body, {"Authorization": f"Bearer {self.token}"}, "control plane", hint)


def ask(
    url: str,
    method: str,
    path: str,
    body: dict[str, object] | None,
    headers: dict[str, str],
    who: str,
    hint: str,
) -> dict[str, Any]:
    """One exchange of JSON with a process of ours; `who` and `hint` say what to do if it is away. Raises Failed."""
    connection = localhost.connection(url, TIMEOUT_S)
    sent = {**headers, "Accept": "application/json"}
    if body is not None:
        sent["Content-Type"] = "application/json"
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        said = json.loads(answer.read(LARGEST))
    except (OSError, http.client.HTTPException, ValueError) as error:
        detail = f"{url} does not answer as one ({type(error).__name__}). {hint}"
        raise failed(UNREACHABLE, f"The {who} cannot be reached", detail) from error
    finally:
        connection.close()
    if answer.status >= http.HTTPStatus.BAD_REQUEST:
        raise Failed(_code(answer.status, said), said)
    return dict(said)


def _path(parts: tuple[str, ...]) -> str:
    return "/api/operators/v1/" + "/".join(quote(part, safe="") for part in parts)


def _code(status: int, problem: dict[str, Any]) -> int:
    """An operator who scripts has to know whether repeating can help (3) or something else has to change first (1)."""
    if status == http.HTTPStatus.NOT_FOUND:
        return NOT_THERE
    away = problem.get("type") == "/problems/peer-unavailable" or status != http.HTTPStatus.SERVICE_UNAVAILABLE
    return UNREACHABLE if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and away else REFUSED


def _described(stack: Path) -> dict[str, str]:
    try:
        described = json.loads(stack.read_bytes())
        if edge := described.get("edge"):
            localhost.trusted().load_verify_locations(edge["ca"])
        return dict(described["control_plane"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise failed(WRONG_USAGE, f"{stack} describes no control plane", f"{type(error).__name__}: {error}") from error
