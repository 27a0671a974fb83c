"""Whether a page can be used by everyone, at a desk and on a phone; and pictures of it for people to look at.

With `CELLCAST_SHOTS=FOLDER` each page that a test looks at is also kept there as a picture, light and dark.
"""

import os
from importlib.resources import files
from pathlib import Path

from playwright.async_api import Page

from tests.e2e.browsers import DESKTOP, PHONE

_SHOTS = "CELLCAST_SHOTS"
_AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
_SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def usable(page: Page, name: str) -> None:
    """Nothing that axe-core finds fault with, at a desk (light and dark) and on a phone, and no sideways scroll."""
    wanted = page.viewport_size
    assert wanted is not None
    await page.evaluate(_AXE)
    for size in (PHONE, DESKTOP):
        await page.set_viewport_size(size)
        at = f"{name} at {size['width']} px"
        assert await page.evaluate(_SIDEWAYS) <= 0, f"{at} scrolls sideways"
        await _faultless(page, at, {})
        await picture(page, f"{name}-{size['width']}")
    await page.emulate_media(color_scheme="dark")
    await _faultless(page, f"{name} in the dark", {"runOnly": ["color-contrast"]})  # nothing else has changed
    await page.emulate_media(color_scheme=None)
    await page.set_viewport_size(wanted)


async def _faultless(page: Page, at: str, options: dict[str, list[str]]) -> None:
    found = await page.evaluate("(options) => axe.run({ resultTypes: ['violations'], ...options })", options)
    faults = [
        f"{fault['id']}: {node['html']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
    assert not faults, "\n".join([at, *faults])


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page in either scheme, if pictures are wanted."""
    folder = os.environ.get(_SHOTS)
    if folder is None:
        return
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.screenshot(path=Path(folder) / f"{name}-{scheme}.png", full_page=True)
    await page.emulate_media(color_scheme=None)
