"""The customer in their browser: the recorder's page, step by step, and what its spool holds."""

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.e2e.waiting import until

STEP_S = 60.0  # a step takes a moment; the machine may have better to do
READY_S = 120.0
FOOTAGE_BYTES = 10_000  # on a busy machine the first picture takes its time; a WebM's head alone is shorter than this

# The spool of cell/ui/recorder/disk-spool.ts, as it lies in this browser.
_SPOOL = """async () => {
  const db = await new Promise((resolve, reject) => {
    const request = indexedDB.open("cellcast-recorder");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const all = (store, what) => new Promise((resolve) => {
    const request = db.transaction(store).objectStore(store)[what]();
    request.onsuccess = () => resolve(request.result);
  });
  const [recordings, pieces] = [await all("recordings", "getAll"), await all("pieces", "getAll")];
  const keys = await all("pieces", "getAllKeys");
  db.close();
  return recordings.map(({ recording_id, durationMs }) => ({
    recording_id, durationMs, pieces: pieces.filter((_, at) => keys[at][0] === recording_id),
  }));
}"""

_REACHED = """(seconds) => {
  const [minutes, rest] = document.querySelector("[role=timer]").textContent.split(":");
  return 60 * minutes + Number(rest) >= seconds;
}"""


@dataclass(frozen=True)
class Spooled:
    """A recording that this browser keeps: its length by the recorder's own watch, and its pieces."""

    recording_id: str
    duration_ms: float
    sizes: list[int]
    sha256: list[str]  # base64
    arrived_bytes: int


class Customer:
    """Somebody who received a link."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def opens(self, link: str) -> None:
        """Open the short link; the recorder's script runs."""
        await self.page.goto(link)
        await self.page.locator("#recorder-stage [data-action]").first.wait_for(timeout=STEP_S * 1000)

    async def at(self, step: str, within_s: float = STEP_S) -> None:
        """Wait until the page shows that step."""
        await expect(self.page.locator("body")).to_have_attribute("data-step", step, timeout=within_s * 1000)

    def button(self, action: str) -> Locator:
        """The button that does something."""
        return self.page.locator(f'[data-action="{action}"]')

    async def presses(self, action: str) -> None:
        """Press a button."""
        await self.button(action).click(timeout=STEP_S * 1000)

    async def starts(self, source: str, *, voice: bool = False) -> None:
        """From the choice to the running recording."""
        await self.presses(source)
        await self.at("preview")
        if voice:
            await self.page.get_by_role("switch").check()
            await expect(self.page.locator(".voice .meter")).to_be_visible()
        await self.presses("start")
        await self.at("recording")

    async def records_until(self, seconds: int) -> None:
        """Let the recording run until its own clock shows so many seconds and there is a picture."""
        await self.page.wait_for_function(_REACHED, arg=seconds, polling=50, timeout=(seconds + STEP_S) * 1000)
        await self.has(FOOTAGE_BYTES)

    async def has(self, recorded: int, *, arrived: int = 0) -> None:
        """Wait until so many bytes are in the spool, and so many of them in S3."""

        async def enough() -> bool:
            spooled = (await self.spool())[-1]
            return sum(spooled.sizes) >= recorded and spooled.arrived_bytes >= arrived

        await until(enough, STEP_S)

    async def has_sent(self, pieces: int) -> None:
        """Wait until so many pieces, of a second each, are in S3."""

        async def sent() -> bool:
            spooled = (await self.spool())[-1]
            return len(spooled.sizes) >= pieces and spooled.arrived_bytes >= sum(spooled.sizes[:pieces])

        await until(sent, STEP_S)

    async def stops(self) -> Spooled:
        """Stop, and look at what was recorded."""
        await self.presses("stop")
        await self.at("review")
        [spooled] = await self.spool()
        return spooled

    async def kept_ms(self) -> float:
        """How long what was recorded plays in this browser. The recorder's watch shows more where the first picture
        came late, as on a busy machine."""
        kept = "document.querySelector('video.picture-kept').duration"
        await self.page.wait_for_function(f"() => Number.isFinite({kept})")
        return 1000 * float(await self.page.evaluate(kept))

    async def sends(self) -> None:
        """Send it; everything has arrived."""
        await self.presses("send")
        await self.at("done", READY_S)

    async def is_told_it_is_ready(self) -> None:
        """The page says that it can be watched."""
        await expect(self.page.locator(".step .badge-good")).to_be_visible(timeout=READY_S * 1000)

    async def sees_trouble(self, name: str, within_s: float = STEP_S) -> None:
        """The page says what stands in the way."""
        await self.at("problem", within_s)
        await expect(self.page.locator("[data-problem]")).to_have_attribute("data-problem", name)

    async def chooses_file(self, file: Path) -> None:
        """Choose a video of one's own."""
        async with self.page.expect_file_chooser() as chooser:
            await self.presses("file")
        await (await chooser.value).set_files(file)
        await self.at("review")

    async def spool(self) -> list[Spooled]:
        """What this browser holds."""
        return [
            Spooled(
                one["recording_id"],
                one["durationMs"],
                [piece["size"] for piece in one["pieces"]],
                [piece["sha256"] for piece in one["pieces"]],
                sum(piece["size"] for piece in one["pieces"] if piece["arrived"]),
            )
            for one in await self.page.evaluate(_SPOOL)
        ]
