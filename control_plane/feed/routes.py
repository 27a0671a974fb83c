"""Feeds for their consumers: a long poll that answers with signed batches, and signed snapshots."""

from typing import Annotated

from prometheus_client import Counter
from pydantic import BaseModel, Field
from quart import Response

from contracts import feed
from control_plane import resources
from control_plane.feed.subjects import Reader
from kit.web import Routes

routes = Routes("feeds")
SENT = Counter("cellcast_feed_answers_total", "Batches and snapshots sent", ["audience", "kind"])


class Position(BaseModel):
    """Where the consumer stands, and how many seconds it waits for news."""

    after: Annotated[int, Field(ge=0)]
    generation: Annotated[int, Field(ge=0)]
    wait: Annotated[float, Field(ge=0, le=feed.WAIT_S)] = 0


@routes.get("/feeds/<path:audience>")
async def read(by: Reader, audience: str, at: Position) -> Response:
    """A signed batch, as soon as there is an event beyond `after`; an empty one when `wait` seconds brought none."""
    raw = await resources.current().batches.after(audience, at.generation, at.after, at.wait)
    SENT.labels(audience, "batch").inc()
    return _bytes(raw)


@routes.get("/snapshots/<path:audience>")
async def snapshot(by: Reader, audience: str) -> Response:
    """A signed snapshot, from which the feed can be read on."""
    made = await resources.current().snapshots.serve(audience)
    SENT.labels(audience, "snapshot").inc()
    return _bytes(made.raw)


def _bytes(raw: bytes) -> Response:
    return Response(raw, 200, {"Cache-Control": "no-store"}, content_type="application/octet-stream")
