"""The pages of provisioning: who may, what is shown once, what the log and the dry run say."""

import asyncio
import re
from html import unescape
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.directory import journal, queries
from cell.directory.credentials import MOST
from cell.directory.guides import GUIDES
from cell.directory.models import Entry, Group, Line, Membership, ProvisioningToken
from cell.people.models import Person
from contracts.directory import Note
from contracts.tokens import Kind, parse_bearer
from tests.cell.browser import Browser
from tests.cell.directory.idp import Idp, step
from tests.cell.world import Workspace, World

WORD = re.compile(r"ccd_[0-9a-z]+_[0-9a-f]{64}")


async def made(admin: Browser, workspace: Workspace, name: str = "Entra ID") -> str:
    answer = await admin.post(f"{workspace.base}/directory/tokens", form={"name": name, "expires_in_days": "365"})
    assert answer.status == 201
    found: list[str] = WORD.findall(answer.text)
    return found[0]


async def test_a_token_is_shown_once_and_works(world: World, workspace: Workspace, admin: Browser) -> None:
    word = await made(admin, workspace)
    assert parse_bearer(Kind.DIRECTORY, word).key == workspace.key
    page = await admin.page(f"{workspace.base}/directory")
    assert "Entra ID" in page.text and not WORD.search(page.text)
    assert "Waits for the first request" in page.text


async def test_a_token_is_replaced_with_time_to_spare_and_revoked(
    world: World, workspace: Workspace, admin: Browser, idp: Idp
) -> None:
    answer = await admin.post(f"{workspace.base}/directory/tokens/{idp.made.token.id}/rotate", form={})
    assert answer.status == 201 and WORD.search(answer.text)
    await idp.find()
    answer = await admin.post(f"{workspace.base}/directory/tokens/{idp.made.token.id}/revoke", form={})
    assert answer.status == 303
    answer = await admin.post(f"{workspace.base}/directory/tokens/{idp.made.token.id}/rotate", form={})
    assert answer.status == 409


async def test_there_is_an_end_to_how_many(workspace: Workspace, admin: Browser) -> None:
    for number in range(MOST):
        await made(admin, workspace, f"Token {number}")
    answer = await admin.post(f"{workspace.base}/directory/tokens", form={"name": "One more"})
    assert answer.status == 409
    answer = await admin.post(f"{workspace.base}/directory/tokens", form={"name": ""})
    assert answer.status == 422


async def test_who_may(world: World, workspace: Workspace, agent: Browser, idp: Idp) -> None:
    auditor = await world.signed_in(workspace, await world.member(workspace, "auditor"))
    for path in ("", "/roles", "/log", "/check", "/guides/entra"):
        assert (await agent.get(f"{workspace.base}/directory{path}")).status == 403
        assert (await auditor.get(f"{workspace.base}/directory{path}")).status == 200
    assert (await auditor.post(f"{workspace.base}/directory/tokens", form={"name": "Mine"})).status == 403


@pytest.mark.parametrize("vendor", [vendor.value for vendor in GUIDES])
async def test_each_product_has_its_guide(workspace: Workspace, admin: Browser, vendor: str) -> None:
    page = await admin.page(f"{workspace.base}/directory/guides/{vendor}")
    assert page.status == 200 and "ccd_" in page.text
    assert (await admin.get(f"{workspace.base}/directory/guides/other")).status == 404


async def test_a_group_is_linked_to_a_role_on_its_page(workspace: Workspace, admin: Browser, idp: Idp) -> None:
    ada = await idp.create(display_name="Ada")
    group = await idp.create_group("Auditors & Co", ada.id)
    assert "Auditors &amp; Co" in (await admin.page(f"{workspace.base}/directory/roles")).text
    at = f"{workspace.base}/directory/groups/{group.id}/role"
    assert (await admin.post(at, form={"role": "auditor"})).status == 303
    assert "auditor" in (await admin.page(f"{workspace.base}/people/{ada.id}")).text.lower()
    assert (await admin.post(at, form={"role": "owner"})).status == 422


async def test_the_log_says_what_was_asked_and_why_it_was_refused(
    workspace: Workspace, admin: Browser, idp: Idp
) -> None:
    owner = await idp.create(workspace.owner.email, display_name="Olga")
    with pytest.raises(Exception, match="last owner"):
        await idp.switch(owner.id, False)
    await idp.switch(owner.id, True)
    page = await admin.page(f"{workspace.base}/directory/log")
    assert page.text.count("PATCH /Users/1") == 3 and "last-owner" in page.text
    assert "Make somebody else an owner under People" in page.text
    assert "<bdi>Display name, User name</bdi>" in page.text and "display_name" not in page.text
    assert (
        page.text.count(f'href="{workspace.base}/people/{owner.id}"') == 3 and page.text.count("<bdi>Olga</bdi>") == 3
    )
    only = await admin.page(f"{workspace.base}/directory/log?result=refused&q=last")
    assert only.text.count("PATCH /Users/1") == 1
    by_label = await admin.page(f"{workspace.base}/directory/log?q=Display+name")
    assert "<bdi>Display name, User name</bdi>" in by_label.text
    by_our_name = await admin.page(f"{workspace.base}/directory/log?q=display_name")
    assert "PATCH /Users/1" not in by_our_name.text and "<bdi>Olga</bdi>" not in by_our_name.text
    await idp.tally.write()
    overview = await admin.page(f"{workspace.base}/directory")
    assert "Some was refused" in overview.text and "2 changes" in overview.text


async def test_what_comes_too_often_has_a_line_a_minute_and_is_no_error(
    workspace: Workspace, admin: Browser, idp: Idp
) -> None:
    said = Note(
        workspace_id=workspace.id,
        credential=idp.credential,
        asked="GET /Users",
        reason="status-429",
        detail="Too many requests at once. Come again after the time of Retry-After.",
    )
    await idp.create()
    await asyncio.gather(*(journal.note(idp.cell.database, said) for _ in range(4)))
    async with idp.cell.database.reading(workspace.id) as tx:
        lines = await tx.all(queries.lines(None, 9, "", "refused", ""))
    assert lines and len(lines) == len({one.at.replace(second=0, microsecond=0) for one in lines})
    page = await admin.page(f"{workspace.base}/directory/log?result=refused")
    assert "status-429" in page.text and "It asks faster than we answer" in page.text
    await idp.tally.write()
    assert "Some was refused" not in (await admin.page(f"{workspace.base}/directory")).text


async def test_the_log_has_pages(workspace: Workspace, admin: Browser, idp: Idp) -> None:
    item = await idp.create()
    for number in range(60):
        await idp.patch(item.id, step("replace", "title", str(number)))
    page = await admin.page(f"{workspace.base}/directory/log")
    onward = re.search(r"cursor=([^\"&]+)", page.text)
    assert page.text.count("PATCH /Users/1") == 50 and onward is not None
    older = await admin.page(f"{workspace.base}/directory/log?cursor={onward.group(1)}")
    assert older.text.count("PATCH /Users/1") == 11


async def test_the_dry_run_sees_what_the_token_sees(workspace: Workspace, admin: Browser, idp: Idp) -> None:
    await idp.create("ada@example.com", title="Countess")
    at = f"{workspace.base}/directory/check"
    assert "Countess" in (await admin.page(at)).text
    for user_name, said in (
        ("ADA@example.com", "knows this person already"),
        (workspace.agent.email, "Would be linked"),
        ("new@example.com", "Would be created"),
        ("bob@evil.example, eve@example.com", "one plain e-mail address"),
    ):
        assert said in (await admin.page(f"{at}?user_name={user_name}")).text
    await admin.post(f"{workspace.base}/directory/tokens/{idp.made.token.id}/revoke", form={})
    assert "This token has ended" in (await admin.page(at)).text


async def test_the_dry_run_says_what_would_change_in_an_admins_words(
    world: World, workspace: Workspace, admin: Browser, idp: Idp
) -> None:
    ada = await idp.create("ada@example.com", display_name="Ada", title="Countess")
    group = await idp.create_group("Admins")
    await admin.post(f"{workspace.base}/directory/groups/{group.id}/role", form={"role": "admin"})
    await idp.create(workspace.owner.email)
    await idp.create(workspace.agent.email)
    agent = await world.signed_in(workspace, workspace.agent)
    await idp.tally.write()  # what was used until now
    before = await _everything(idp)

    async def said(**query: str) -> str:
        page = await admin.page(f"{workspace.base}/directory/check?{urlencode(query)}")
        assert page.status == 200 and "user_name&#34;" not in page.text
        return unescape(page.text)

    renamed = await said(user_name="ada@example.com", display_name="Lady A", active="no")
    assert "Would be changed" in renamed and "Signed out everywhere at once" in renamed
    assert _fields(renamed) == {"Display name": ("Ada", "Lady A"), "Active": ("Yes", "No")}
    same = await said(user_name="ada@example.com", display_name="Ada")
    assert "knows this person already" in same and "Nothing would change." in same
    new = await said(user_name="new@example.com", email="n@example.com", display_name="Neo")
    assert "Would be created" in new and _fields(new)["E-mail addresses"] == ("–", "n@example.com (work, primary)")
    assert "Signed out everywhere" in await said(user_name=workspace.agent.email, active="no")
    last = await said(user_name=workspace.owner.email, active="no")
    assert "Would be refused" in last and "last owner" in last and "Make somebody else an owner under People" in last
    odd = await said(user_name="bob@evil.example, eve@example.com")
    assert "User name: A user name with an @ is one plain e-mail address" in odd
    role = await said(group="admins", members=f"ada@example.com, {workspace.agent.email}")
    assert "Would be changed" in role and "Who would come into the group: 2" in role
    assert _fields(role) == {"Ada": ("Agent", "Admin"), workspace.agent.email: ("Agent", "Admin")}
    assert "Would be created" in await said(group="New", members="ada@example.com")
    assert "Nothing would change." in await said(group="Admins")
    assert "Members: Nobody here has one of these user names" in await said(group="Admins", members="ada@example.com,x")
    assert await _everything(idp) == before and (await agent.get(f"{workspace.base}/library")).status == 200
    assert await idp.members(group.id) == set() and (await idp.get(ada.id)).document["display_name"] == "Ada"


def _fields(page: str) -> dict[str, tuple[str, str]]:
    """What the dry run's tables say: each thing, now and then."""
    row = re.compile(
        r'<tr><th scope="row">(?:<bdi>)?(.*?)(?:</bdi>)?</th><td[^>]*"Now">(?:<bdi>)?(.*?)(?:</bdi>)?</td>'
        r'<td[^>]*"Then">(?:<bdi>)?(.*?)(?:</bdi>)?</td></tr>'
    )
    return {name: (now, then) for name, now, then in row.findall(page)}


async def _everything(idp: Idp) -> list[object]:
    """Every row that a change would touch."""
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        found: list[object] = []
        for table in (Person, Entry, Group, Membership, Line, AuditEntry, ProvisioningToken):
            rows = await tx.all(select(table))
            found.append(sorted(repr({k: v for k, v in vars(row).items() if not k.startswith("_")}) for row in rows))
        return found


async def test_reads_and_last_use_are_counted_together(workspace: Workspace, admin: Browser, idp: Idp) -> None:
    for _ in range(3):
        await idp.find()
    await idp.tally.write()
    await idp.find()
    await idp.tally.write()
    page = await admin.page(f"{workspace.base}/directory")
    assert "4 look-ups" in page.text and "Works" in page.text


async def test_groups_come_by_page_and_by_name(workspace: Workspace, admin: Browser, idp: Idp) -> None:
    for number in range(52):
        await idp.create_group(f"Group {number:02} % & Co")
    at = f"{workspace.base}/directory/roles"
    page = (await admin.page(at)).text
    onward = re.search(r"/directory/roles\?([^\"]+)", page)
    assert page.count('/role"') == 50 and onward is not None
    more = (await admin.page(f"{at}?{unescape(onward.group(1))}")).text
    assert more.count('/role"') == 2 and "Group 51" in more and "after=" not in more
    assert (await admin.page(f"{at}?q=group+07+%25")).text.count('/role"') == 1
    assert "Nothing matches this filter." in (await admin.page(f"{at}?q=07%25")).text
