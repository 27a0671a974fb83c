"""An identity provider that keeps a directory in step by SCIM: looks each person up, creates, changes, switches off."""

import re
import secrets
from typing import Any

from locust import between, task

from loadtest import target
from loadtest.people.agent import Member

_TOKEN = re.compile(r"(cc[a-z]_[a-z0-9]+_[0-9a-f]{64})")
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class DirectorySync(Member):
    """One connection of one workspace, as such clients open it; a person after the other."""

    role = "admin"
    wait_time = between(0.05, 0.2)

    def on_start(self) -> None:
        """An admin made the token."""
        super().on_start()
        made = self.page(
            "idp: token", "POST", "directory/tokens", expect=(201,), data={"name": f"Load {secrets.token_hex(4)}"}
        )
        found = _TOKEN.search(made.text or "")
        assert found is not None, "the page shows no token"
        base = target.current().provisioning[self.workspace.region].url
        self._base, self._token = f"{base}/scim/v2/{self.workspace.key}", found[1]

    @task
    def person(self) -> None:
        """Looked up, created, renamed, switched off: what a first synchronisation and a leaving come to."""
        domain = self.workspace.admin.email.partition("@")[2]  # a workspace takes people of its verified domains
        name = f"load.{secrets.token_hex(6)}@{domain}"
        self._scim("idp: look up", "GET", f'/Users?filter=userName%20eq%20"{name}"')
        new = {
            "schemas": [_USER],
            "userName": name,
            "name": {"givenName": "Load", "familyName": "Test"},
            "active": True,
        }
        made = self._scim("idp: create", "POST", "/Users", expect=(201,), json=new).json()
        for change in ({"path": "displayName", "value": "Load T."}, {"path": "active", "value": False}):
            body = {"schemas": [_PATCH], "Operations": [{"op": "replace", **change}]}
            self._scim("idp: change", "PATCH", f"/Users/{made['id']}", json=body)

    def _scim(self, step: str, method: str, path: str, *, expect: tuple[int, ...] = (200,), **sent: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/scim+json"}
        return self.ask(step, method, f"{self._base}{path}", expect=expect, headers=headers, **sent)
