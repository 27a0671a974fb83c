"""Another word for a session whose holder has risen: what somebody may have seen of the old one opens nothing."""

from werkzeug.sansio.response import Response

from cell import resources
from cell.sessions import cookies
from cell.sessions.store import Sessions
from cell.sessions.subjects import Member


async def rotate(answer: Response, by: Member, *, proved: bool = False) -> None:
    """Give the browser the session's new word. `proved`: the person has just proved who they are once more."""
    redis = resources.current().redis
    word = await Sessions(redis, by.workspace.key, by.workspace_id).rotate(by.session, proved=proved)
    if word is not None:
        cookies.begin(answer, by.workspace.key, word)
