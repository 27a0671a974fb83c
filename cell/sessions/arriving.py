"""The end of signing in: the browser gets its session and goes to the page that was asked for."""

from urllib.parse import unquote, urlsplit
from uuid import UUID

from werkzeug.sansio.response import Response

from cell.people import service as people
from cell.resources import Cell
from cell.sessions import cookies, half
from cell.sessions.store import Sessions
from contracts.tokens import Bearer


async def signed_in(
    answer: Response,
    cell: Cell,
    key: str,
    workspace_id: UUID,
    word: Bearer,
    account: people.Account | None,
) -> None:
    """Give the browser its new session, make it a known device, and end what it had before.

    Whoever knew this browser's earlier word knows nothing of the new one.
    """
    sessions = Sessions(cell.redis, key, workspace_id)
    earlier = await sessions.find(cookies.presented(key))
    if earlier is not None:
        await sessions.end(earlier.person_id, earlier.id)
    cookies.begin(answer, key, word)
    cookies.drop(answer, half.cookie_name(key))
    cookies.remember_device(answer, cell.settings, key, workspace_id, account)


def own_path(key: str, path: str) -> str:
    """`path` if it is a page of this workspace, else its library: never anybody else's address."""
    # Browsers drop control characters, read a backslash as a slash, and step up at `..`, escaped or not.
    plain = path.startswith(f"/w/{key}/") and path.isprintable() and "\\" not in path
    own = plain and not {".", ".."} & set(unquote(urlsplit(path).path).split("/"))
    return path if own else f"/w/{key}/library"
