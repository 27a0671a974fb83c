"""The customer's ways through the recorder: what they may choose, change their mind about, and be refused."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from loadtest import media
from tests.deployment import Deployment
from tests.e2e.browsers import Temper, Visits
from tests.e2e.customer import FOOTAGE_BYTES, Customer
from tests.e2e.office import Api, api
from tests.e2e.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.browser]

READY_S = 120
SLACK_MS = 500


async def _ready(program: Api, recording_id: str) -> dict[str, object]:
    """The recording, once it can be watched."""

    async def is_ready() -> bool:
        return bool((await program.recording(recording_id))["state"] == "ready")

    await until(is_ready, READY_S)
    return await program.recording(recording_id)


async def test_the_camera_alone(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("Film the label", allows=["camera"])
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)
        await expect(customer.button("screen")).to_have_count(0)
        await expect(customer.button("file")).to_have_count(0)
        await customer.presses("camera")
        await customer.at("preview")
        await expect(customer.page.get_by_role("switch")).to_have_count(0)  # this link allows no microphone
        await customer.presses("start")
        await customer.at("recording")
        await customer.records_until(2)
        spooled = await customer.stops()
        kept_ms = await customer.kept_ms()
        await expect(customer.button("send")).to_have_text("Send to Acme EU")  # a program asked: it has no name
        await customer.sends()
        made = await _ready(program, spooled.recording_id)
    assert abs(int(str(made["duration_ms"])) - kept_ms) < SLACK_MS


async def test_a_video_of_ones_own(visits: Visits, deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "phone.webm"
    file.write_bytes(media.webm(20, width=640, height=360))
    async with api(deployment.description, "eu") as program:
        link = await program.link("Send the video", allows=["file"])
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)
        await customer.chooses_file(file)
        await customer.sends()
        await customer.is_told_it_is_ready()
        [made] = await program.recordings_of(link)
    assert made["state"] == "ready"
    assert abs(made["duration_ms"] - 20_000) < SLACK_MS


async def test_a_retake_replaces_what_was_recorded_before(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("Show it well", max_uses=1)
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)
        await customer.starts("screen")
        await customer.records_until(1)
        first = await customer.stops()
        await customer.presses("retake")
        await customer.at("preview")
        await customer.presses("start")
        await customer.at("recording")
        await customer.records_until(2)
        second = await customer.stops()
        assert second.recording_id != first.recording_id
        await customer.sends()
        await _ready(program, second.recording_id)
        assert [one["id"] for one in await program.recordings_of(link)] == [second.recording_id]
        assert (await program.recording(first.recording_id))["state"] == "abandoned"
        assert await program.uses(link) == 1


async def test_pause_mute_and_cancel(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("Changed my mind", max_uses=1)
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)
        await customer.starts("screen", voice=True)
        await customer.records_until(1)
        await customer.presses("pause")
        await expect(customer.page.get_by_role("heading", name="Recording is paused")).to_be_visible()
        await customer.presses("resume")
        await customer.presses("mute")
        await expect(customer.button("mute")).to_have_attribute("aria-pressed", "true")
        [spooled] = await customer.spool()
        await customer.presses("cancel")
        await customer.at("welcome")
        await expect(customer.page.get_by_text("Everything that was uploaded is deleted.")).to_be_visible()
        assert await customer.spool() == []
        assert await program.recordings_of(link) == []
        assert (await program.recording(spooled.recording_id))["state"] == "abandoned"


async def test_a_denied_microphone_does_not_keep_anybody_from_recording(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("Without a voice")
        customer = Customer(await visits.page("eu", Temper.ASKING, permissions=["camera"]))
        await customer.opens(link.url)
        await customer.presses("camera")
        await customer.at("preview")
        await customer.page.get_by_role("switch").click()
        await expect(customer.page.get_by_text("The microphone is not allowed.")).to_be_visible()
        await expect(customer.page.get_by_role("switch")).not_to_be_checked()
        await customer.presses("start")
        await customer.at("recording")
        await customer.records_until(1)
        spooled = await customer.stops()
        await customer.sends()
        await _ready(program, spooled.recording_id)


async def test_denied_screen_and_camera_take_no_use_of_the_link(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("Denied", max_uses=1)
        refusing = Customer(await visits.page("eu", Temper.REFUSING))
        await refusing.opens(link.url)
        await refusing.presses("screen")
        await refusing.sees_trouble("screen-not-shared")
        await refusing.presses("others")
        await refusing.presses("camera")
        await refusing.sees_trouble("camera-denied")
        asking = Customer(await visits.page("eu", Temper.ASKING))
        await asking.opens(link.url)
        await asking.presses("screen")
        await asking.at("permission")
        # The browser's own dialog is open. Chromium's takes the pointer, others' leave it to the page.
        await asking.button("back").dispatch_event("click")
        await asking.at("welcome")
        assert await program.uses(link) == 0


async def test_one_use_is_for_one_of_two_browsers(visits: Visits, deployment: Deployment) -> None:
    visits.tolerate("status of 410")
    async with api(deployment.description, "eu") as program:
        link = await program.link("Only once", max_uses=1)
        first, second = Customer(await visits.page("eu")), Customer(await visits.page("eu"))
        await first.opens(link.url)
        await second.opens(link.url)
        await second.presses("screen")
        await second.at("preview")
        await first.starts("screen")
        await second.presses("start")
        await second.sees_trouble("link-used-up")
        await first.records_until(1)
        spooled = await first.stops()
        await first.sends()
        await _ready(program, spooled.recording_id)
        assert len(await program.recordings_of(link)) == await program.uses(link) == 1


async def test_a_link_revoked_while_recording_keeps_what_arrived(visits: Visits, deployment: Deployment) -> None:
    visits.tolerate("status of 40[49]")  # no more grants
    async with api(deployment.description, "eu") as program:
        link = await program.link("Taken back")
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)
        await customer.starts("screen")
        await customer.records_until(2)
        await customer.has(FOOTAGE_BYTES, arrived=FOOTAGE_BYTES)
        await program.revoke(link)
        spooled = await customer.stops()
        await customer.presses("send")
        await customer.sees_trouble("upload-closed")
        await expect(customer.button("copy")).to_be_visible()
        made = await _ready(program, spooled.recording_id)
    assert 0 < int(str(made["duration_ms"])) <= spooled.duration_ms + SLACK_MS


async def test_with_the_keyboard_alone(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("No mouse")
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)

        async def press(action: str) -> None:
            for _ in range(30):
                await customer.page.keyboard.press("Tab")
                if await customer.page.evaluate("() => document.activeElement.dataset.action") == action:
                    return await customer.page.keyboard.press("Enter")
            raise AssertionError(f"the Tab key does not lead to {action}")

        await press("screen")
        await customer.at("preview")
        await press("start")
        await customer.at("recording")
        await customer.records_until(1)
        await press("pause")
        await expect(customer.button("resume")).to_be_focused()
        await customer.page.keyboard.press("Enter")
        await press("stop")
        await customer.at("review")
        [spooled] = await customer.spool()
        await press("send")
        await customer.at("done")
        await _ready(program, spooled.recording_id)
