"""The main job in a real browser: link, router, recording, library, watching; and where its data lies."""

import asyncio
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import boto3
from botocore.config import Config
from playwright.async_api import Page, Response, expect

from stack.description import Cell
from tests import media_files
from tests.deployment import Deployment
from tests.e2e import traces
from tests.e2e.browsers import Visits
from tests.e2e.customer import Customer, Spooled
from tests.e2e.office import Agent
from tests.e2e.waiting import until

RECORDED_S = 10
SLACK_MS = 500  # of what is prepared against what was recorded: less than any piece that is missing

# The microphone hears random noise beside what the browser makes up.
_NOISE = """
const silent = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await silent(wanted), context = new AudioContext(), room = context.createMediaStreamDestination();
  const source = context.createBufferSource(), rate = context.sampleRate;
  const noise = context.createBuffer(1, 10 * rate, rate);
  noise.getChannelData(0).forEach((_, at, samples) => (samples[at] = Math.random() - 0.5));
  [source.buffer, source.loop] = [noise, true];
  source.connect(room);
  source.start();
  context.createMediaStreamSource(stream).connect(room);
  return room.stream;
};
"""


async def whole(region: str, visits: Visits, deployment: Deployment, folder: Path) -> None:
    """A customer of the region records and the agent watches; everything lies in that region's cell, until it is
    deleted. `folder` is for what is downloaded."""
    visits.tolerate(r"status of 404 .*/recordings/")  # looked for after its deletion
    facts = deployment.description
    agent = Agent(await visits.page(region), facts, region)
    await agent.signs_in()
    await agent.opens_library()
    mark = secrets.token_hex(8)
    link = await _new_link(agent, f"Cart {mark}", f"T-{mark}")
    await agent.page.evaluate("window.sameDocument = true")

    customer = Customer(await visits.page(region))
    spooled = await _record(customer, link)
    kept_ms = await customer.kept_ms()
    await agent.sees(spooled.recording_id, "recording")
    await customer.sends()
    await agent.sees(spooled.recording_id, "ready")
    await customer.is_told_it_is_ready()
    assert await agent.page.evaluate("window.sameDocument") is True, "the library was loaded again"
    assert spooled.duration_ms >= RECORDED_S * 1000

    cell = facts.cells[facts.workspace(region).cell]
    await agent.row(spooled.recording_id).get_by_role("link", name=f"Cart {mark}").click()
    address = await _plays_and_seeks(agent.page, kept_ms, cell)
    await _rename(agent, f"Renamed {mark}")
    video = await _download(agent.page, folder, f"Renamed {mark}")
    assert video == await (await agent.page.request.get(address)).body()

    words = {
        "title": f"Cart {mark}",
        "new title": f"Renamed {mark}",
        "ticket": f"T-{mark}",
        "recording": spooled.recording_id,
        "secret": link.rsplit("-", 1)[1],
        "workspace": agent.workspace.id,
        "agent": agent.workspace.agent.email,
        "domain": agent.workspace.agent.email.partition("@")[2],
        "company": f"Acme {region.upper()}",  # as the stack calls it
    }
    voice = await asyncio.to_thread(media_files.sound, folder / "video.webm")
    marks = {name: word.encode() for name, word in words.items()} | {"footage": _distinctive(voice, video)}
    await _lies_only_in(region, deployment, marks)
    await _delete(agent, spooled.recording_id)
    await _nothing_is_left_of(spooled.recording_id, deployment, agent.workspace.cell, marks)


def _distinctive(voice: bytes, video: bytes) -> bytes:
    """64 bytes of the video that no other recording has. They are of its sound, which is noise of this visit alone:
    the pictures of two browsers may be the same, and are then encoded to the same bytes."""
    windows = (voice[at : at + 64] for at in range(len(voice) // 4, len(voice) * 3 // 4, 64))
    return max((window for window in windows if window in video), key=lambda window: len(set(window)))


async def _new_link(agent: Agent, title: str, ticket: str) -> str:
    """Make a link in the dialog; its address."""
    await agent.page.locator(".side").get_by_role("button", name="New link").click()
    dialog = agent.page.get_by_role("dialog", name="New link")
    await dialog.get_by_label("What should the customer show you?").fill(title)
    await dialog.get_by_label("Ticket").fill(ticket)
    await dialog.get_by_role("button", name="Make link").click()
    url = await dialog.get_by_label(title).input_value()
    assert url.startswith(f"{urlsplit(agent.base).scheme}://{urlsplit(agent.base).netloc}/{agent.workspace.key}-")
    await dialog.get_by_role("button", name="Done").click()
    return url


async def _record(customer: Customer, link: str) -> Spooled:
    """Screen and microphone, for some seconds, in a room that is not silent."""
    await customer.page.add_init_script(_NOISE)
    await customer.opens(link)
    await customer.starts("screen", voice=True)
    await customer.records_until(RECORDED_S)
    spooled = await customer.stops()
    await expect(customer.button("send")).to_have_text("Send to Robin Agent")
    return spooled


async def _plays_and_seeks(page: Page, kept_ms: float, cell: Cell) -> str:
    """The video comes from the cell's S3 in ranges, plays, and goes on from where it is sent to; its address."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if answer.url.startswith(cell.s3.endpoint) else None)
    await page.reload()
    video = page.locator("video")
    await page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    length = await video.evaluate("(video) => video.duration")
    assert abs(length * 1000 - kept_ms) < SLACK_MS, f"{length} s of {kept_ms} ms"
    assert await video.evaluate("(video) => video.videoWidth > 0")
    await page.get_by_role("button", name="Play", exact=True).first.click()
    await page.wait_for_function("() => document.querySelector('video').currentTime > 0.3")
    await page.get_by_role("slider", name="Position").fill("8")
    await page.wait_for_function("() => document.querySelector('video').currentTime > 8.2")
    of_video = [one for one in answers if "/final/video." in one.url]
    assert {one.status for one in of_video} == {206}
    ranged = await page.request.get(of_video[0].url, headers={"Range": "bytes=1000-1999"})
    assert (ranged.status, len(await ranged.body())) == (206, 1000)
    return of_video[0].url


async def _rename(agent: Agent, title: str) -> None:
    page = agent.page
    await page.get_by_role("button", name="Rename").click()
    await page.get_by_role("textbox", name="Title").fill(title)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    await agent.opens_library()
    await page.get_by_role("link", name=title, exact=True).click()


async def _download(page: Page, folder: Path, title: str) -> bytes:
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download").click()
    download = await downloading.value
    assert download.suggested_filename == f"{title}.webm"
    await download.save_as(folder / "video.webm")
    return (folder / "video.webm").read_bytes()


async def _lies_only_in(region: str, deployment: Deployment, marks: dict[str, bytes]) -> None:
    """Every mark is somewhere in the region's cell, each store has some, and no other cell has any."""
    personal = {name: word for name, word in marks.items() if name != "workspace"}
    assert await traces.found_globally(deployment, personal) == {}
    for name, cell in deployment.description.cells.items():
        seen = await traces.found(deployment, name, marks)
        if cell.region == region:
            # The link's secret is nowhere: what is kept is its hash.
            assert set().union(*seen.values()) == marks.keys() - {"secret"}
            assert all(seen.values()), seen
        else:
            assert seen == {store: set() for store in traces.STORES}, f"{name} holds of {region}: {seen}"


async def _delete(agent: Agent, recording_id: str) -> None:
    page = agent.page
    await page.get_by_role("button", name="Delete", exact=True).click()
    await page.get_by_role("button", name="Delete for good").click()
    await page.wait_for_url("**/library")
    await expect(agent.row(recording_id)).to_have_count(0)
    gone = await page.goto(f"{agent.base}/recordings/{recording_id}")
    assert gone is not None
    assert gone.status == 404


async def _nothing_is_left_of(recording_id: str, deployment: Deployment, cell: str, marks: dict[str, bytes]) -> None:
    """Rows and objects, every version, go as soon as the last grant has died; the job's clock is put forward to it."""
    s3 = deployment.description.cells[cell].s3
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    database = await asyncpg.connect(deployment.superuser_dsn(cell))
    try:
        waiting = await database.fetch(
            "update jobs set due = now() from job_arguments a where a.id = jobs.id and kind = 'recordings.erase' "
            "and a.arguments ? $1 returning due",
            recording_id,
        )
        assert len(waiting) == 1

        async def erased() -> bool:
            return not await database.fetch("select from recordings where id = $1", recording_id)

        await until(erased, 30)
    finally:
        await database.close()
    left = client.list_object_versions(Bucket=s3.bucket, Prefix=f"{_workspace(deployment, cell)}/{recording_id}/")
    assert not left.get("Versions") and not left.get("DeleteMarkers")
    seen = await traces.found(deployment, cell, marks)
    assert not seen["s3"] & {"recording", "footage"}
    # The audit log goes on to say that a recording of this id was deleted; of its contents nothing is left.
    assert not seen["postgres"] & {"new title", "footage"}


def _workspace(deployment: Deployment, cell: str) -> str:
    return next(one.id for one in deployment.description.workspaces if one.cell == cell)
