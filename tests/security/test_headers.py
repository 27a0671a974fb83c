"""What every answer of the cell tells browsers, whatever it answers."""

import pytest

from tests.cell.browser import PAGE
from tests.cell.world import Workspace, World


@pytest.mark.parametrize("path", ["/livez", "/ui", "/missing", "/w/zzzzzz99/sign-in", "/r/nonsense", "/api/v1/links"])
async def test_the_policy_is_strict_everywhere(world: World, path: str) -> None:
    answer = await world.browser().ask("GET", path, headers=PAGE)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy) and "*" not in str(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    assert "server" not in {name.lower() for name, _ in answer.headers}


async def test_pages_about_people_are_kept_nowhere(world: World, workspace: Workspace) -> None:
    admin = await world.signed_in(workspace, workspace.admin)
    for path in ("/library", "/links", "/people", "/tokens", "/audit", "/sessions"):
        assert (await admin.page(f"{workspace.base}{path}")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.js"])
async def test_static_files_are_those_of_their_folder(world: World, path: str) -> None:
    assert (await world.browser().get(path)).status == 404


async def test_a_path_with_a_null_or_too_long_is_no_failure(world: World, workspace: Workspace) -> None:
    agent = await world.signed_in(workspace, workspace.agent)
    for path in (f"{workspace.base}/%00", "/r/%00", f"/r/{'x' * 5000}", "/w/%F0%9F%92%A9/library", "/w/../library"):
        assert (await agent.get(path)).status in (404, 401)
    assert (await agent.page(f"{workspace.base}/library?q=%00")).status in (200, 422)
    assert (await agent.page(f"{workspace.base}/library?q={'x' * 201}")).status == 422
