"""Bad input at the doors: a thousand wrong passwords and codes from everywhere, with every header a client can forge.

Guessing is bounded, whoever is known still gets in, and nothing is told, logged or broken.
"""

import asyncio
import secrets
from collections import Counter

from cell.factors import checking
from cell.sessions import service
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.factors.owning import app_of, code, half_way, password
from tests.cell.lines import Logged
from tests.cell.world import PASSWORD, Workspace, World

TRIES = 1000
AT_ONCE = 20


def forged() -> dict[str, str]:
    """What a client may write to look like somebody else each time."""
    address = ".".join(str(byte) for byte in secrets.token_bytes(4))
    return {
        "X-Forwarded-For": f"{address}, 127.0.0.1",
        "X-Real-IP": address,
        "Forwarded": f"for={address}",
        "True-Client-IP": address,
        "CF-Connecting-IP": address,
    }


async def all_of(answers: list[asyncio.Task[Answer]]) -> Counter[int]:
    return Counter(answer.status for answer in await asyncio.gather(*answers))


async def test_a_thousand_wrong_passwords_from_many_addresses(
    world: World, workspace: Workspace, logged: Logged
) -> None:
    known = world.browser()
    assert (await password(known, workspace, workspace.agent)).status == 303
    await known.post(f"{workspace.base}/sign-out")
    turn = asyncio.Semaphore(AT_ONCE)

    async def guess(number: int) -> Answer:
        async with turn:
            form = {"email": workspace.agent.email, "password": f"guess {number} of many"}
            headers = {**PAGE, **forged()}
            return await world.browser().post(f"{workspace.base}/sign-in", form=form, headers=headers)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(guess(number)) for number in range(TRIES)]
    statuses = await all_of(tasks)
    compared = service.PER_ACCOUNT - 1  # with the password; one went into making the device known
    assert statuses == {401: compared, 429: TRIES - compared}
    assert not any(task.result().headers.getlist("Set-Cookie") for task in tasks)
    texts = {task.result().text for task in tasks if task.result().status == 429}
    assert len({text.replace(workspace.agent.email, "") for text in texts}) == 1
    assert (await password(known, workspace, workspace.agent)).status == 303
    assert workspace.agent.email not in logged.text and "guess" not in logged.text
    assert sum(line.get("reason") == "wrong-password" for line in logged.lines) == compared


async def test_the_same_for_somebody_who_is_no_member_at_all(world: World, workspace: Workspace) -> None:
    statuses: list[int] = []
    for number in range(service.PER_ACCOUNT + 5):
        form = {"email": "nobody@example.com", "password": f"guess {number}"}
        statuses.append((await world.browser().post(f"{workspace.base}/sign-in", form=form, headers=PAGE)).status)
    assert statuses == [401] * service.PER_ACCOUNT + [429] * 5


async def test_a_thousand_wrong_codes_by_somebody_who_knows_the_password(
    world: World, workspace: Workspace, agent: Browser, logged: Logged
) -> None:
    known = world.browser()
    await password(known, workspace, workspace.agent)
    app = await app_of(known, workspace)
    strangers = [await half_way(world, workspace, workspace.agent) for _ in range(5)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def guess(number: int) -> Answer:
        async with turn:
            browser = world.browser()  # another address each time
            browser.cookies = dict(strangers[number % len(strangers)].cookies)
            wrong = f"{number:06}" if f"{number:06}" not in {app.code(step) for step in (-1, 0, 1)} else "abc"
            form, headers = {"code": wrong}, {**PAGE, **forged()}
            return await browser.post(f"{workspace.base}/sign-in/factor", form=form, headers=headers)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(guess(number)) for number in range(TRIES)]
    statuses = await all_of(tasks)
    most = checking.BACK_OFF[0][0]
    assert set(statuses) == {422, 429} and statuses[422] <= 3 * most  # a minute may have passed, or two
    assert not any("__Host-s-" in str(task.result().headers) for task in tasks)
    assert (await password(known, workspace, workspace.agent)).headers["Location"].endswith("/sign-in/factor")
    assert (await code(known, workspace, app.code())).status == 303
    assert PASSWORD not in logged.text and app.secret not in logged.text


async def test_what_is_no_form_at_all_is_refused_and_nothing_breaks(world: World, workspace: Workspace) -> None:
    for path in ("sign-in", "sign-in/factor", "forgotten", "sign-in/passkey", "sign-in/passkey/options"):
        for body in (b"\xff\xfe\x00", b"{", b"email=" + b"a" * 100_000, b"\x00" * 1000):
            for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
                headers = {**PAGE, "Content-Type": kind}
                answer = await world.browser().post(f"{workspace.base}/{path}", data=body, headers=headers)
                assert answer.status < 500, (path, body[:9], kind, answer.text[:200])
