"""Setting up second factors through the pages, and signing in with them."""

import html
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote

import pyotp

from cell.people.models import Person
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.factors.authenticator import Authenticator
from tests.cell.world import PASSWORD, Workspace, World

STEP_S = 30


@dataclass
class App:
    """An authenticator app, and the recovery codes that came with it."""

    secret: str
    codes: list[str]

    def code(self, steps: int = 0) -> str:
        """The code of now, or of some steps later or earlier."""
        return pyotp.TOTP(self.secret).at(time.time() + steps * STEP_S)

    async def fresh(self) -> str:
        """A code that was not used when the app was set up."""
        return self.code(1)


def codes_in(page: str) -> list[str]:
    return re.findall(r"<li><code>([a-z0-9]{5}-[a-z0-9]{5})</code>", page)


async def app_of(browser: Browser, workspace: Workspace) -> App:
    """Set one up, as whoever is signed in there."""
    at = f"{workspace.base}/account/factors/app"
    assert (await browser.post(f"{at}/begin")).status == 303
    page = (await browser.page(at)).text
    found = re.search(r'id="app-secret" value="([A-Z2-7 ]+)"', page)
    assert found is not None and "data:image/svg+xml" in page
    app = App(found[1].replace(" ", ""), [])
    done = await browser.post(at, form={"code": app.code(-1)}, headers=PAGE)
    assert done.status in (200, 303), done.text
    app.codes = codes_in(done.text)
    return app


async def passkey_of(browser: Browser, workspace: Workspace, name: str = "My phone") -> Authenticator:
    """Make one, as whoever is signed in there."""
    at, key = f"{workspace.base}/account/factors/passkeys", Authenticator()
    options = (await browser.post(f"{at}/options", json={})).json
    made = await browser.post(at, json={"credential": key.create(options), "name": name})
    assert made.status == 200, made.text
    return key


async def password(browser: Browser, workspace: Workspace, person: Person, **more: str) -> Answer:
    """The first step."""
    form = {"email": person.email, "password": PASSWORD, **more}
    return await browser.post(f"{workspace.base}/sign-in", form=form, headers=PAGE)


async def code(browser: Browser, workspace: Workspace, text: str) -> Answer:
    """The second step."""
    return await browser.post(f"{workspace.base}/sign-in/factor", form={"code": text}, headers=PAGE)


async def passkey(browser: Browser, workspace: Workspace, key: Authenticator) -> Answer:
    """The second step with a passkey, or the only one."""
    at = f"{workspace.base}/sign-in/passkey"
    options = (await browser.post(f"{at}/options", json={})).json
    return await browser.post(at, json={"credential": key.get(options)})


async def half_way(world: World, workspace: Workspace, person: Person, **more: str) -> Browser:
    """A browser in which the password was shown."""
    browser = world.browser()
    answer = await password(browser, workspace, person, **more)
    assert answer.headers["Location"] == f"{workspace.base}/sign-in/factor", answer.text
    return browser


async def is_in(browser: Browser, workspace: Workspace) -> bool:
    return (await browser.get(f"{workspace.base}/library")).status == 200


def file_in(page: str) -> str:
    """The text that the download link holds."""
    found = re.search(r'href="data:text/plain;charset=utf-8,([^"]+)"', page)
    assert found is not None
    return unquote(html.unescape(found[1]))
