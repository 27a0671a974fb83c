"""One trace from the click on a link to the ready recording: router, cell, worker; none where nobody asked for it."""

import html
import json
import re
from datetime import UTC, datetime

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cell.jobs import TASKS
from contracts.placements import ROUTING, Placement, Snapshot, State
from kit import tracing
from kit.addresses import Addresses, Hosts
from kit.guesses import Guesses
from kit.i18n import Catalogs
from kit.jobs.models import Job
from kit.workers import Rows
from router.door import Door, Guards
from router.pages import HERE, Pages
from tests.cell.recordings.sending import Sending, path_of, sending_of
from tests.cell.world import Workspace, World
from tests.media_files import recorded_webm
from tests.router.world import CELLS, EU, FILES, GO, REGIONS, Answered, Asker

TITLE = "The cart of Erika Mustermann"
SAID = {"http.route", "http.response.status_code", "cellcast.outcome", "error.type"}
WAY = [
    "link",
    "GET /r/<link>",
    "POST /r/<link>/recordings",
    "POST /w/<key>/uploads/<uuid:recording_id>/grants",
    "POST /w/<key>/uploads/<uuid:recording_id>/finish",
    "job recordings.assemble",
    "job recordings.storyboard",
]


async def clicked(workspace: Workspace, path: str) -> Answered:
    """What the router answers to the link."""
    placements = (Placement(workspace.id, workspace.key, "eu-1", 1, State.ACTIVE, 1),)
    asker = Asker(Snapshot(ROUTING, 1, 1, datetime.now(UTC), CELLS, placements))
    guards = Guards(Hosts(["go.localhost"]), Addresses([]), Guesses(1000))
    asker.door = Door(
        asker,
        Pages(Catalogs([HERE / "locale"]), {"pages-style.css": "/x"}, GO, REGIONS),
        FILES,
        guards,
        Rows(1).rows[0],
    )
    return await asker(path)


async def recorded(world: World, workspace: Workspace) -> tuple[Sending, str]:
    """A customer's whole way with a link, as page and script go it; and the link's secret."""
    link = await world.link(workspace, title=TITLE)
    short = path_of(link).removeprefix("/r")
    led = await clicked(workspace, short)
    assert led.status == 302 and led.headers["location"].startswith(EU)
    page = await world.browser().page(led.headers["location"].removeprefix(EU))
    found = re.search(r'id="recorder-config">(.*?)</script>', page.text)
    assert page.status == 200 and found
    config = json.loads(html.unescape(found[1]))
    named = {} if config["traceparent"] is None else {"traceparent": config["traceparent"]}
    browser = world.browser(**named)
    said = await browser.post(config["start_url"], json={"source": "screen", "media_type": "video/webm"})
    sending = sending_of(world, workspace, link, browser, said)
    whole = recorded_webm(1)
    bodies = [whole[at : at + 20_000] for at in range(0, len(whole), 20_000)]
    assert set(await sending.send(bodies)) == {200}
    assert (await sending.finish(bodies)).status == 202
    return sending, short.rpartition("-")[2]


async def test_one_trace_leads_from_the_click_to_the_ready_recording(
    world: World, workspace: Workspace, spans: InMemorySpanExporter
) -> None:
    sending, secret = await recorded(world, workspace)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await world.run_jobs(workspace, TASKS)
    assert (await sending.there()).state == "ready"

    finished = spans.get_finished_spans()
    begun = next(span for span in finished if span.name == "link")
    assert begun.parent is None
    ours = {span.name: span for span in finished if span.context.trace_id == begun.context.trace_id}
    assert set(WAY) <= set(ours)
    for name in WAY[1:]:
        parent = ours[name].parent
        assert parent is not None and parent.span_id in {span.context.span_id for span in ours.values()}, name
    assert ours["job recordings.assemble"].attributes == {"cellcast.outcome": "done"}

    (assembled,) = [line for line in lines if line["event"] == "assembled"]
    assert assembled["trace_id"] == f"{begun.context.trace_id:032x}"

    for span in finished:
        assert set(span.attributes or ()) <= SAID, span.name
        told = span.to_json()
        for personal in (secret, workspace.key, str(workspace.id), "Erika"):
            assert personal not in told, span.name


async def test_where_nothing_is_traced_nothing_is_said_of_traces(world: World, workspace: Workspace) -> None:
    link = await world.link(workspace)
    assert "?" not in (await clicked(workspace, path_of(link).removeprefix("/r"))).headers["location"]
    await recorded(world, workspace)
    jobs: list[Job] = await world.jobs(workspace)
    assert jobs and not any(" " in (job.trace or "") for job in jobs)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await world.run_jobs(workspace, TASKS)
    assert not any("trace_id" in line for line in lines)


async def test_by_chance_a_link_is_not_traced_and_then_nothing_of_it_is(
    world: World, workspace: Workspace, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing._Tracing, "share", 0.0)
    await recorded(world, workspace)
    await world.run_jobs(workspace, TASKS)
    assert not spans.get_finished_spans()
