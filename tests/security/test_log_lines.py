"""Nothing that a person typed, and no word that opens anything, is in a log line, failures included."""

from contextlib import suppress
from typing import Any

import pytest

from cell.recordings.gate import Gates
from kit.refusals import Refusal
from tests.cell.browser import PAGE
from tests.cell.directory.idp import Idp, step
from tests.cell.lines import Logged
from tests.cell.recordings.sending import PIECES, begun, path_of
from tests.cell.world import PASSWORD, Workspace, World

TYPED = {"name": "Zebulon Typed", "email": "zebulon@typed.example", "password": "typed-by-zebulon-himself"}


async def test_requests_that_fail_in_every_way_leave_ids_alone(
    world: World, workspace: Workspace, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = await begun(world, workspace, title="Confidential title", note="Confidential note")
    await sending.send(PIECES)
    link = await world.link(workspace)
    admin = await world.signed_in(workspace, workspace.admin)
    machine = world.machine(workspace.token)

    async def everything() -> None:
        await world.browser().page(path_of(link))
        await world.browser().post(f"{path_of(link)}/recordings", json={"source": "nonsense"})
        await world.browser().post(f"{workspace.base}/sign-in", form={**TYPED, "next": "/w/x"}, headers=PAGE)
        await world.browser().post(
            f"{workspace.base}/sign-in", form={"email": workspace.agent.email, "password": PASSWORD}
        )
        await admin.post(f"{workspace.base}/people", form=TYPED, headers=PAGE)
        await admin.page(f"{workspace.base}/library?q=Confidential+search")
        await machine.post("/api/v1/links", json={"title": ["Confidential title"], "note": 7})
        await machine.get("/api/v1/links?cursor=Confidential")
        await sending.grants({"index": -1, "size": 0, "sha256": "Confidential"})
        await sending.finish([b"not", b"there"])
        await sending.standing(sending.resume_token)

    await everything()

    def broken(*_: Any, **__: Any) -> Any:  # whatever is called
        raise RuntimeError(f"first line\n{TYPED} {sending.upload_token} {link.url}")

    monkeypatch.setattr(Gates, "read", broken)
    monkeypatch.setattr("cell.people.passwords.matches", broken)
    monkeypatch.setattr("cell.people.passwords.hashed", broken)
    monkeypatch.setattr("cell.links.listing.page", broken)
    monkeypatch.setattr("cell.library.service.find", broken)
    monkeypatch.setattr("cell.recordings.recorder.page", broken)
    await everything()

    assert len([line for line in logged.lines if line["event"] == "unexpected"]) >= 5  # the failures are there
    secrets = [
        *TYPED.values(),
        PASSWORD,
        "Confidential",
        workspace.agent.email,
        workspace.agent.name,
        workspace.token.secret,
        sending.upload_token.rsplit(".", 1)[1],
        sending.resume_token.rsplit(".", 1)[1],
        link.url.rsplit("-", 1)[1],
        *(word.rsplit("_", 1)[1] for word in admin.cookies.values()),
        world.cell.settings.s3_secret_key.get_secret_value(),
        world.cell.settings.master_key.get_secret_value(),
        world.cell.settings.database_url,
        world.cell.settings.redis_url,
    ]
    for secret in secrets:
        assert secret not in logged.text
    for line in logged.lines:
        assert line["cell"] == "eu-1" and "timestamp" in line and "level" in line


async def test_what_an_identity_provider_sends_of_people_is_in_no_line(
    world: World, workspace: Workspace, idp: Idp, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    """Taken, refused and failed: their names stand in the provisioning log alone, which is rows of the cell."""
    sent = {
        "display_name": "Zebulon Shown",
        "name": {"given": "Zebulon", "family": "Confidential"},
        "title": "Confidential title",
        "emails": [{"value": "zebulon@mail.example", "type": "work"}],
    }
    person = await idp.create("zebulon@sent.example", **sent)
    group = await idp.create_group("Confidential group", person.id)
    admin = await world.signed_in(workspace, workspace.admin)
    at = f"{workspace.base}/directory"

    async def everything() -> None:
        for change in (
            idp.create("zebulon@sent.example", **sent),  # taken
            idp.create("zebulon@sent.example, zebulon@mail.example", **sent),
            idp.create("other@sent.example", display_name=["Zebulon Shown"]),
            idp.patch(person.id, step("replace", "display_name", "Zebulon Other"), step("add", "nope", "Confidential")),
            idp.patch(person.id, step("replace", "title", "x", some=["eq", ["value"], "Confidential"])),
            idp.patch_group(group.id, step("add", "members", [{"value": "Confidential"}])),
            idp.switch(person.id, active=False),
            idp.switch(person.id, active=True),
            idp.find(["eq", ["display_name"], "Zebulon Shown"]),
            idp.find(["gt", ["active"], "Confidential"]),
        ):
            with suppress(Refusal, RuntimeError):
                await change
        for path in (
            "log?q=Zebulon",
            "roles?q=Confidential",
            "check?user_name=zebulon@sent.example&display_name=Zebulon",
        ):
            await admin.get(f"{at}/{path}")

    await everything()

    def broken(*_: Any, **__: Any) -> Any:  # whatever is called
        raise RuntimeError(f"first line\n{sent}")

    monkeypatch.setattr("cell.directory.values.taken", broken)
    monkeypatch.setattr("cell.directory.persons.patched", broken)
    monkeypatch.setattr("cell.directory.checking.seen", broken)
    await everything()
    await idp.tally.write()
    assert [line for line in logged.lines if line["event"] == "unexpected"]  # the failures are there
    for secret in ("Zebulon", "zebulon", "Confidential", "sent.example", idp.credential):
        assert secret not in logged.text


async def test_a_failure_of_ours_tells_the_asker_nothing(
    world: World, workspace: Workspace, agent: Any, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("internal detail")

    monkeypatch.setattr("cell.library.service.find", broken)
    for answer in (await agent.page(f"{workspace.base}/library"), await agent.get(f"{workspace.base}/library")):
        assert answer.status == 500 and "internal detail" not in answer.text and "Traceback" not in answer.text
        assert answer.headers["X-Request-Id"] in logged.text
