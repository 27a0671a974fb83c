"""Second factors as people meet them: an app, a passkey (Chromium's virtual authenticator), a recovery code.

Each test invites a member of its own, who reads the mail and joins.
"""

import asyncio
import email
import email.policy
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pyotp
import pytest
from playwright.async_api import Page, expect

from tests.deployment import Deployment
from tests.e2e.browsers import Visits
from tests.e2e.looks import usable
from tests.e2e.office import Agent
from tests.e2e.signed_in import SignedIn

pytestmark = [pytest.mark.stack, pytest.mark.browser]

PASSWORD = "copper lantern meadow fifteen"
MAIL_S = 30.0


class Member:
    """Somebody who was invited and joined, in a browser of their own."""

    def __init__(self, page: Page, base: str, address: str) -> None:
        self.page, self.base, self.address = page, base, address

    async def opens(self, path: str) -> None:
        await self.page.goto(f"{self.base}/{path}")

    async def signs_out(self) -> None:
        await self.opens("account")
        await self.page.locator(".side-who").click()
        await self.page.locator(".side").get_by_role("button", name="Sign out").click()
        await self.page.wait_for_url("**/sign-in")

    async def shows_the_password(self) -> None:
        await self.page.get_by_label("E-mail").fill(self.address)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def is_in(self) -> None:
        await self.page.wait_for_url("**/library")


async def proves(page: Page, password: str) -> None:
    """Where a page asks for it: type the password, and be back."""
    if "/prove" in page.url:
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Go on", exact=True).click()
        await page.wait_for_url(lambda url: "/prove" not in url)


async def invites(admin: Agent, address: str, role: str = "Agent") -> None:
    await admin.opens("invitations?new=1")
    if not await admin.page.get_by_role("dialog", name="Invite someone").is_visible():
        await admin.page.get_by_role("link", name="Invite someone").first.click()
        await proves(admin.page, admin.workspace.admin.password)
    dialog = admin.page.get_by_role("dialog", name="Invite someone")
    await dialog.get_by_label("E-mail").fill(address)
    await dialog.get_by_label(role, exact=False).first.check()
    await dialog.get_by_role("button", name="Send invitation").click()
    await expect(admin.page.get_by_role("row", name=address)).to_be_visible()


async def mailed(folder: Path, address: str, what: str) -> str:
    """Where the mail to this address leads."""
    async with asyncio.timeout(MAIL_S):
        while (text := await asyncio.to_thread(_text_to, folder, address)) is None:  # noqa: ASYNC110 - a folder
            await asyncio.sleep(0.2)
    found = re.search(rf"http\S+/{what}/[0-9a-f]{{64}}", text)
    assert found is not None
    return found[0]


def _text_to(folder: Path, address: str) -> str | None:
    for path in sorted(folder.glob("*.eml"), reverse=True):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if address in str(mail["To"]):
            return str(mail.get_content())
    return None


@pytest.fixture
async def joined(signed_in: SignedIn, visits: Visits, deployment: Deployment) -> Member:
    """A new agent of the European workspace."""
    return await join(signed_in, visits, deployment, "Agent")


async def join(signed_in: SignedIn, visits: Visits, deployment: Deployment, role: str) -> Member:
    address = f"cleo.{secrets.token_hex(4)}@acme-eu.example"
    await invites(await signed_in("eu", "admin"), address, role)
    page = await visits.page("eu")
    await page.goto(await mailed(Path(deployment.description.mail.folder), address, "join"))
    await page.get_by_label("Your name").fill("Cleo Colleague")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Join").click()
    await page.wait_for_url(re.compile(r"/library|/account/factors"))
    return Member(page, page.url.split("/library")[0].split("/account")[0], address)


@asynccontextmanager
async def authenticator(page: Page) -> AsyncIterator[str]:
    """A device that holds passkeys and knows its holder's finger."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield str(made["authenticatorId"])
    await cdp.send("WebAuthn.disable")


async def code_after(secret: str, used: str) -> str:
    """A code of the app that was not used yet: the next step's counts already."""
    app = pyotp.TOTP(secret)
    return next(code for code in (app.now(), app.at(time.time() + 30)) if code != used)


async def test_an_app_and_recovery_codes_from_the_first_scan_to_signing_in(joined: Member, visits: Visits) -> None:
    page = joined.page
    visits.tolerate("status of 422")
    await joined.opens("account/factors")
    await usable(page, "factors")
    await page.get_by_role("button", name="Set up an app").click()
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    await usable(page, "factors-app")
    secret = (await page.get_by_label("Or type this").input_value()).replace(" ", "")
    await page.get_by_label("Code", exact=True).fill("000000")
    await page.get_by_role("button", name="Turn on").click()
    await expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    first = pyotp.TOTP(secret).now()
    await page.get_by_label("Code", exact=True).fill(first)
    await page.get_by_role("button", name="Turn on").click()
    await expect(page.get_by_text("Your second factor is on")).to_be_visible()
    codes = await page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    await usable(page, "factors-codes")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download").click()
    kept = await asyncio.to_thread(Path(await (await downloading.value).path()).read_text)
    assert all(code in kept for code in codes)

    await joined.signs_out()
    await joined.shows_the_password()
    await page.wait_for_url("**/sign-in/factor")
    await usable(page, "second-step")
    await page.get_by_label("Code of your app").fill(await code_after(secret, first))
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await joined.is_in()

    await joined.signs_out()
    await joined.shows_the_password()
    await page.get_by_text("Use a recovery code").click()
    await page.get_by_label("Recovery code").fill(codes[3])
    await page.get_by_role("button", name="Sign in with it").click()
    await joined.is_in()
    await joined.opens("account/factors")
    await expect(page.get_by_text("9 codes are left.")).to_be_visible()
    await usable(page, "factors-set-up")
    await joined.opens("sessions")
    await expect(page.get_by_text("With password and recovery code")).to_be_visible()


async def test_a_passkey_is_made_and_lets_in_alone_and_after_a_password(joined: Member) -> None:
    page = joined.page
    async with authenticator(page):
        await joined.opens("account/factors")
        await page.get_by_label("Name of a new passkey").fill("My laptop")
        await page.get_by_role("button", name="Add a passkey").click()
        await page.wait_for_url("**/account/factors/codes")
        await page.get_by_role("button", name="Show my recovery codes").click()
        await expect(page.locator(".codes code")).to_have_count(10)
        await page.get_by_role("link", name="I have kept them").click()
        await expect(page.get_by_text("My laptop")).to_be_visible()

        await joined.signs_out()
        await usable(page, "sign-in-passkey")
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await joined.is_in()

        await joined.signs_out()
        await joined.shows_the_password()
        await page.get_by_role("button", name="Use a passkey").click()
        await joined.is_in()
        await joined.opens("prove")
        await usable(page, "prove")
        await page.get_by_role("button", name="Use a passkey").click()
        await joined.is_in()


async def test_a_passkey_that_was_removed_opens_nothing(joined: Member, visits: Visits) -> None:
    page = joined.page
    visits.tolerate("status of 422")
    async with authenticator(page):
        await joined.opens("account/factors")
        await page.get_by_role("button", name="Add a passkey").click()
        await page.wait_for_url("**/account/factors/codes")
        await joined.opens("account/factors")
        await page.get_by_role("button", name=re.compile("^Remove: ")).click()
        await page.get_by_role("button", name="Remove passkey").click()
        await expect(page.get_by_role("button", name=re.compile("^Remove: "))).to_have_count(0)
        await joined.signs_out()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_role("alert")).to_contain_text("does not open this workspace")


async def test_whoever_must_have_one_is_led_to_it_before_anything_else(
    signed_in: SignedIn, visits: Visits, deployment: Deployment
) -> None:
    admin = await signed_in("eu", "admin")
    password = admin.workspace.admin.password

    async def asks(*labels: str) -> None:
        await admin.opens("security")
        proof = admin.page.get_by_role("link", name="Prove who you are to change this")
        if await proof.is_visible():
            await proof.click()
            await proves(admin.page, password)
        for label in labels:
            await admin.page.get_by_label(label).check()
        await admin.page.get_by_role("button", name="Save").click()
        await expect(admin.page.get_by_text("Saved")).to_be_visible()

    await admin.opens("security")
    await usable(admin.page, "security")
    await asks("Auditor", "Asked of these roles")
    try:
        member = await join(signed_in, visits, deployment, "Auditor")
        await member.opens("library")
        await member.page.wait_for_url("**/account/factors")
        await expect(member.page.get_by_text("Your workspace asks for a second factor")).to_be_visible()
        await usable(member.page, "factor-required")
        async with authenticator(member.page):
            await member.page.get_by_role("button", name="Add a passkey").click()
            await member.page.wait_for_url("**/account/factors/codes")
        await member.opens("library")
        await member.is_in()
    finally:
        await asks("Up to each person")
