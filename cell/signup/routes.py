"""The page that a founder's mail leads to. Opening it changes nothing: mail scanners open every link."""

import re

from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.signup import confirming
from cell.ui import pages
from cell.workspaces import service as workspaces
from kit.refusals import NotFound
from kit.web import Routes
from kit.web.subjects import Anyone

routes = Routes("signup")
_SECRET = re.compile(r"[0-9a-f]{64}")


@routes.get("/w/<key>/confirm/<secret>")
async def show(by: Anyone, key: str, secret: str) -> Response:
    """Ask for the press of a button, or say that it was pressed before."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    async with cell.database.reading(workspace_id) as tx:
        workspace = await workspaces.get(tx)
    confirmed = workspace.confirmed_at is not None
    if not _SECRET.fullmatch(secret) or not (confirmed or confirming.is_asked(workspace, secret)):
        raise NotFound
    shown = {"key": key, "name": workspace.name}
    return pages.draw("signup/confirm.html", workspace=shown, base=f"/w/{key}", secret=secret, confirmed=confirmed)


@routes.post("/w/<key>/confirm/<secret>")
async def confirm(by: Anyone, key: str, secret: str) -> Redirect:
    """The address is confirmed."""
    cell = resources.current()
    if not _SECRET.fullmatch(secret):
        raise NotFound
    async with cell.database.writing(await workspaces.id_of(cell.database, key)) as tx:
        await confirming.confirm(tx, secret)
    return redirect(f"/w/{key}/confirm/{secret}", 303)
