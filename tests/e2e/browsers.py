"""Fixtures `chromium`, `browsers`, `visits` and `own_visits`: a real Chromium, and visits whose pages must behave.

A page that logs an error, breaks its Content Security Policy, throws, or asks anything of anybody but the front door,
its own cell and that cell's S3 fails the test that opened it.
"""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Literal, TypedDict, Unpack
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    StorageState,
    ViewportSize,
    async_playwright,
    expect,
)

from stack.description import Description
from tests.deployment import Deployment

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 60_000  # a condition is met in a moment; the machine may have better to do
expect.set_options(timeout=PATIENCE_MS)

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

_ALWAYS = ["--headless=new", "--no-sandbox", "--disable-background-networking", "--use-fake-device-for-media-stream"]
_SCREEN = "--auto-select-desktop-capture-source=Entire screen"


class Temper(Enum):
    """What a browser says when a page asks for screen, camera or microphone: the arguments that make it so."""

    WILLING = ("--use-fake-ui-for-media-stream", _SCREEN)
    ASKING = (_SCREEN,)  # its dialog for the screen stays open; for the rest the context's permissions decide
    REFUSING = ("--use-fake-ui-for-media-stream=deny",)


def arguments(temper: Temper, pin: str = "") -> list[str]:
    """The command line of a Chromium of that temper; it trusts the stack whose edges' pin that is."""
    trusting = [f"--ignore-certificate-errors-spki-list={pin}"] if pin else []
    return [*_ALWAYS, *trusting, *temper.value]


def pin_of(description: Description) -> str:
    """By what a Chromium trusts a stack's edges; empty where it has none."""
    return description.edge.pin if description.edge else ""


class Browsers:
    """One Chromium of each temper, and for each stack with edges, started at its first use."""

    def __init__(self, playwright: Playwright, chromium: Path) -> None:
        self.playwright, self.chromium = playwright, chromium
        self._running: dict[tuple[Temper, str], Browser] = {}

    async def get(self, temper: Temper, pin: str = "") -> Browser:
        """The running browser of that temper, which trusts the stack of that pin."""
        if (temper, pin) not in self._running:
            self._running[temper, pin] = await self.playwright.chromium.launch(
                executable_path=self.chromium, args=arguments(temper, pin)
            )
        return self._running[temper, pin]

    async def close(self) -> None:
        """End them all."""
        for browser in self._running.values():
            await browser.close()


class Options(TypedDict, total=False):
    """What a test may choose about a visit."""

    locale: str
    color_scheme: Literal["dark", "light"]
    viewport: ViewportSize
    permissions: list[str]
    storage_state: StorageState
    has_touch: bool
    java_script_enabled: bool


class Visits:
    """The browsers' profiles of one test, each with its pages, and what was wrong with them."""

    def __init__(self, browsers: Browsers, description: Description) -> None:
        self._browsers, self._description = browsers, description
        self._contexts: list[BrowserContext] = []
        # 412 for a chunk: it had arrived, and only the answer was lost with the tab. The protocol counts on it.
        self._tolerated: list[str] = [r"status of 412 .*/chunks/\d+\?"]
        self._faults: list[str] = []

    async def page(self, region: str, temper: Temper = Temper.WILLING, **options: Unpack[Options]) -> Page:
        """A page of a fresh profile, for somebody of that region."""
        browser = await self._browsers.get(temper, pin_of(self._description))
        chosen: Options = {"locale": "en", "viewport": DESKTOP, **options}
        context = await browser.new_context(reduced_motion="reduce", accept_downloads=True, **chosen)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        self.watch(context, region)
        return await context.new_page()

    def watch(self, context: BrowserContext, region: str) -> None:
        """Note from now on what the pages of a profile do wrong."""
        workspace = self._description.workspace(region)
        cell = self._description.cells[workspace.cell]
        ours = {urlsplit(url).netloc for url in (self._description.router.url, cell.url, cell.s3.endpoint)}

        def asked(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme not in {"data", "blob"} and address.netloc not in ours:
                self._faults.append(f"asked {address.netloc}")

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                self._faults.append(f"{message.text} ({message.location.get('url', '')})")

        context.on("request", asked)
        context.on("console", said)
        context.on("weberror", lambda fault: self._faults.append(f"threw {fault.error}"))

    def tolerate(self, pattern: str) -> None:
        """Errors with this in them are what the test is about: a page that answers 410, a server that is down."""
        self._tolerated.append(pattern)

    @property
    def faults(self) -> list[str]:
        """What was wrong so far."""
        return [one for one in self._faults if not any(re.search(pattern, one) for pattern in self._tolerated)]

    async def close(self) -> None:
        """Close every profile."""
        for context in self._contexts:
            await context.close()


@pytest.fixture(scope="session")
def chromium() -> Path:
    if not CHROMIUM.exists() and "CI" not in os.environ:
        pytest.skip(f"there is no Chromium at {CHROMIUM}: install Debian's package `chromium`")
    return CHROMIUM


@pytest.fixture(scope="module")  # one that has nothing to do takes a tenth of a processor all the same
async def browsers(chromium: Path) -> AsyncIterator[Browsers]:
    async with async_playwright() as playwright:
        running = Browsers(playwright, chromium)
        yield running
        await running.close()


@pytest.fixture
async def visits(browsers: Browsers, deployment: Deployment) -> AsyncIterator[Visits]:
    async with _visiting(browsers, deployment) as made:
        yield made


@pytest.fixture
async def own_visits(browsers: Browsers, whole: Deployment) -> AsyncIterator[Visits]:
    """Visits to a stack of the test's own: its fixture `whole`."""
    async with _visiting(browsers, whole) as made:
        yield made


@asynccontextmanager
async def _visiting(browsers: Browsers, deployment: Deployment) -> AsyncIterator[Visits]:
    made = Visits(browsers, deployment.description)
    yield made
    await made.close()
    assert not made.faults, "\n".join(made.faults)
