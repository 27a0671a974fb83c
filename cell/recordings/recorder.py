"""What the recorder's page is drawn from."""

from quart import Response

from cell import resources
from cell.links import service as links
from cell.links.subjects import Visitor
from cell.recordings import limits
from cell.recordings.recorder_texts import RECORDER_TEXTS
from cell.ui import pages
from kit import tracing
from kit.database import now
from kit.refusals import Refusal

GONE = 410
# What closed.html calls the reason why a link takes no recording.
REASONS: dict[type[Refusal], str] = {
    links.LinkExpired: "expired",
    links.LinkRevoked: "revoked",
    links.LinkUsedUp: "used-up",
}


def page(by: Visitor) -> Response:
    """The recorder, or the page of a closed link, which still finds an interrupted recording in this browser."""
    try:
        links.refuse_closed(by.link, now())
    except (links.LinkExpired, links.LinkRevoked, links.LinkUsedUp) as refusal:
        return pages.draw(
            "links/closed.html",
            GONE,
            reason=REASONS[type(refusal)],
            workspace={"name": by.workspace.name},
            config=_config(by),
        )
    return pages.draw("recordings/recorder.html", config=_config(by))


def unknown(status: int) -> Response:
    """The page of a link that leads nowhere."""
    return pages.draw("links/closed.html", status, reason="not-found", workspace=None, config=None)


def _config(by: Visitor) -> dict[str, object]:
    link = by.link
    return {
        "traceparent": tracing.current() or None,
        "start_url": f"/r/{by.presented}/recordings",
        "opened_url": f"/r/{by.presented}/opened",
        "workspace": {"key": by.workspace.key, "name": by.workspace.name},
        "link": {"title": link.title, "note": link.note, "agent": link.asked_by or None, "ticket": link.ticket},
        "allows": link.allows,
        "region": resources.current().settings.region,
        "retention_days": by.workspace.retention_days,
        "uses_left": link.max_uses - link.uses,
        "limits": {"seconds": limits.SECONDS, "bytes": limits.BYTES},
        "texts": {text: pages.gettext(text) for text in RECORDER_TEXTS},
        "language": pages.language(),
    }
