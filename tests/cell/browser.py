"""Asks the cell's application as one browser or one program would: its cookies, its address, its origin."""

import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from quart import Quart
from quart.wrappers import Response
from werkzeug.datastructures import Headers

PAGE = {"Accept": "text/html,application/xhtml+xml"}  # what a navigation sends


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:  # whatever the answer holds
        import json

        return json.loads(self.body)

    @property
    def slug(self) -> str:
        """The problem's name, such as `link-expired`."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        return str(self.json["type"]).removeprefix("/problems/")


@dataclass
class Browser:
    """One browser. `address` is where it asks from; limits by address never meet between tests."""

    app: Quart
    host: str
    headers: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = field(default_factory=lambda: f"10.{'.'.join(str(byte) for byte in secrets.token_bytes(3))}")

    async def ask(self, method: str, path: str, **request: Any) -> Answer:  # what Quart's test client takes
        """Ask; cookies that come back are kept."""
        headers = {"Host": self.host, "Origin": f"http://{self.host}", **self.headers, **request.pop("headers", {})}
        if self.cookies:
            headers.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        client = self.app.test_client(use_cookies=False)
        answer: Response = await client.open(
            path,
            method=method,
            headers={name: value for name, value in headers.items() if value},
            scope_base={"client": (self.address, 50000)},
            **request,
        )
        self._keep(answer.headers.getlist("Set-Cookie"))
        return Answer(answer.status_code, answer.headers, await answer.get_data(as_text=False))

    async def get(self, path: str, **request: Any) -> Answer:
        return await self.ask("GET", path, **request)

    async def page(self, path: str) -> Answer:
        """Navigate there."""
        return await self.ask("GET", path, headers=PAGE)

    async def post(self, path: str, **request: Any) -> Answer:
        return await self.ask("POST", path, **request)

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
