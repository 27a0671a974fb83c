"""Members: added once, switched off by others only, and what is typed comes back with its reason."""

import asyncio

import pytest

from tests.cell.browser import Browser
from tests.cell.lines import Logged
from tests.cell.world import PASSWORD, Workspace, World

NEW = {"name": "Cleo", "email": "Cleo@Example.com", "role": "agent", "password": PASSWORD}


async def test_a_member_is_added_and_signs_in(world: World, workspace: Workspace, admin: Browser) -> None:
    assert (await admin.post(f"{workspace.base}/people", form=NEW)).status == 303
    answer = await world.browser().post(
        f"{workspace.base}/sign-in", form={"email": " cleo@example.COM ", "password": PASSWORD}
    )
    assert answer.status == 303
    assert "Cleo" in (await admin.page(f"{workspace.base}/people")).text


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no address"), ("name", ""), ("password", "short"), ("password", "x" * 201), ("role", "owner")],
)
async def test_what_cannot_be_used_comes_back_without_the_password(
    workspace: Workspace, admin: Browser, field: str, value: str
) -> None:
    answer = await admin.post(f"{workspace.base}/people", form={**NEW, field: value})
    assert answer.status == 422
    assert PASSWORD not in answer.text and (value in {"", "short"} or field != "password" or value not in answer.text)


async def test_nobody_is_added_twice(workspace: Workspace, admin: Browser) -> None:
    await admin.post(f"{workspace.base}/people", form=NEW)
    again = await admin.post(f"{workspace.base}/people", form={**NEW, "email": NEW["email"].upper()})
    assert again.status == 422 and "member already" in again.text


async def test_two_admins_who_add_the_same_person_at_once_make_one(
    world: World, workspace: Workspace, admin: Browser, logged: Logged
) -> None:
    answers = await asyncio.gather(*(admin.post(f"{workspace.base}/people", form=NEW) for _ in range(4)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses[0] == 303 and set(statuses[1:]) <= {409, 422}, statuses
    assert "cleo" not in logged.text.lower()


async def test_nobody_switches_themselves_off(workspace: Workspace, admin: Browser) -> None:
    answer = await admin.post(f"{workspace.base}/people/{workspace.admin.id}/deactivate")
    assert (answer.status, answer.slug) == (409, "not-yourself")
    assert (await admin.page(f"{workspace.base}/people")).status == 200


async def test_the_same_address_is_somebody_else_elsewhere(world: World, workspace: Workspace, admin: Browser) -> None:
    other = await world.found()
    elsewhere = await world.signed_in(other, other.admin)
    for browser, base in ((admin, workspace.base), (elsewhere, other.base)):
        assert (await browser.post(f"{base}/people", form=NEW)).status == 303


async def test_switching_off_leaves_customers_recordings_alone(
    world: World, workspace: Workspace, admin: Browser
) -> None:
    from tests.cell.recordings.sending import PIECES, begun

    sending = await begun(world, workspace)  # under a link that the agent made
    await admin.post(f"{workspace.base}/people/{workspace.agent.id}/deactivate")
    assert await sending.send(PIECES) == [200] * 3
    assert (await sending.finish(PIECES)).status == 202
