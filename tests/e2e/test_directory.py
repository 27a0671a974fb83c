"""Provisioning in a real browser: a token, fifty people and their roles, one switched off while signed in."""

import email
import re
import secrets
from email import policy
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.deployment import Deployment
from tests.e2e.browsers import Visits
from tests.e2e.looks import usable
from tests.e2e.office import Agent
from tests.e2e.scim_client import Scim, scim
from tests.e2e.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.browser]

REGION, PEOPLE = "us", 50
PASSWORD = "correct horse battery staple"
OUT_WITHIN_S = 5.0  # a second, on a machine that has nothing else to do


async def test_people_arrive_with_their_roles_and_whoever_is_switched_off_is_out(
    visits: Visits, deployment: Deployment
) -> None:
    visits.tolerate("status of 40[13]")  # what the page of somebody who is out asks for
    visits.tolerate(r"status of 404 .*/thumbnail\b")  # in the library they share, another test has just deleted it
    mark = secrets.token_hex(3)
    admin = Agent(await visits.page(REGION), deployment.description, REGION)
    await admin.signs_in("admin")
    url, token = await _token(admin)
    async with scim(url, token) as client:
        verified = admin.workspace.admin.email.partition("@")[2]
        ids = {f"p{n}.{mark}@{verified}": "" for n in range(PEOPLE)}
        for user_name in ids:
            ids[user_name] = await client.create(user_name, displayName=f"Person {user_name}")
        group = await client.create_group(f"Auditors {mark}", list(ids.values())[:5])
        try:
            await _roles_show(admin, mark)
            first = next(iter(ids))
            person = await visits.page(REGION)
            await _signs_in(person, admin, deployment, first)
            await _is_out(person, client, ids[first])
            await _pages_are_usable(admin)
        finally:
            await client.ask("DELETE", f"/Groups/{group}")
            for one in ids.values():
                await client.ask("DELETE", f"/Users/{one}")
            await _revoke(admin)


async def _token(admin: Agent) -> tuple[str, str]:
    page = admin.page
    await admin.opens("directory")
    await usable(page, "directory-empty")
    await page.get_by_role("button", name="New token").first.click()
    await page.get_by_label("Name", exact=True).fill("A scripted client")
    await page.get_by_role("button", name="Create token").click()
    await expect(page.locator("#made-token")).to_be_visible()
    await usable(page, "directory-token")
    return await page.locator("#made-url").input_value(), await page.locator("#made-token").input_value()


async def _roles_show(admin: Agent, mark: str) -> None:
    page = admin.page
    await admin.opens("directory/roles")
    row = page.get_by_role("row").filter(has_text=f"Auditors {mark}")
    await expect(row).to_contain_text("5")
    await row.get_by_role("combobox").select_option("auditor")
    await row.get_by_role("button", name="Save").click()
    await admin.opens(f"people?q={mark}&role=auditor")
    await expect(page.get_by_role("row").filter(has_text=mark)).to_have_count(5)
    await admin.opens(f"people?q={mark}&role=agent")
    await expect(page.get_by_role("row").filter(has_text=mark)).to_have_count(PEOPLE - 5)


async def _signs_in(page: Page, admin: Agent, deployment: Deployment, address: str) -> None:
    """Choose a password by mail, as somebody without single sign-on does, and sign in with it."""
    folder = Path(deployment.description.mail.folder)
    await page.goto(f"{admin.base}/forgotten")
    await page.get_by_label("E-mail").fill(address)
    await page.get_by_role("button", name="Send me a mail").click()
    links: list[str] = []

    async def arrived() -> bool:
        links.extend(_links(folder, address))
        return bool(links)

    await until(arrived, 30)
    await page.goto(links[-1])
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Store password").click()
    await page.get_by_label("E-mail").fill(address)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/library")


def _links(folder: Path, address: str) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        if address in str(mail["To"]):
            body = mail.get_body(("plain",))
            assert body is not None
            found += re.findall(r"https?://\S+/reset/[0-9a-f]+", body.get_content())
    return found


async def _is_out(page: Page, client: Scim, user_id: str) -> None:
    await client.switch(user_id, False)

    async def out() -> bool:
        return bool(await page.evaluate("async () => (await fetch(location.href)).status === 401"))

    await until(out, OUT_WITHIN_S)
    await page.reload()
    await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


async def _pages_are_usable(admin: Agent) -> None:
    for path in ("", "/roles", "/log", "/check", "/guides/entra", "/guides/okta", "/guides/onelogin"):
        await admin.opens(f"directory{path}")
        await usable(admin.page, f"directory{path.replace('/', '-')}")
    await admin.opens("directory/log")
    await expect(admin.page.get_by_role("row").filter(has_text="Change a person").first).to_contain_text("Done")


async def _revoke(admin: Agent) -> None:
    page = admin.page
    await admin.opens("directory")
    await page.get_by_role("button", name="Revoke: A scripted client").click()
    await page.get_by_role("button", name="Revoke token").click()
    await expect(page.get_by_role("row").filter(has_text="A scripted client").first).to_contain_text("Revoked")
