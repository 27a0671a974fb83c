"""The processes that judge: one that dies or hangs is replaced, and none outlives its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from control_plane.saml import judging
from control_plane.saml.judging import Busy, Judges
from control_plane.saml.reasons import Reason, Refused
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import Says
from tests.control_plane.saml.world import our_keys, question
from tests.waiting import until


@pytest.fixture
async def judges() -> AsyncIterator[Judges]:
    made = Judges([our_keys()], 1)
    try:
        await made.warm()
        yield made
    finally:
        made.close()


async def believes(judges: Judges) -> bool:
    return (await judges.judge(question(idp.text(idp.signed())))).name_id == "ada@customer.example"


async def test_refusals_come_back_whole(judges: Judges) -> None:
    with pytest.raises(Refused) as refused:
        await judges.judge(question(idp.text(idp.signed(Says(audience="urn:another")))))
    assert refused.value.reason is Reason.AUDIENCE
    assert refused.value.summary is not None and refused.value.summary.audiences == ("urn:another",)


def _die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(_: object) -> None:
    while True:
        pass


async def test_a_process_that_dies_is_replaced(judges: Judges) -> None:
    with pytest.raises(Refused) as refused:
        await judges._run(_die, None)
    assert refused.value.reason is Reason.TOO_SLOW
    assert await believes(judges)


async def test_a_process_that_hangs_is_replaced(judges: Judges, monkeypatch: pytest.MonkeyPatch) -> None:
    (busy,) = judges._pool._processes.values()
    with monkeypatch.context() as patched:
        patched.setattr(judging, "WITHIN_S", 0.3)
        with pytest.raises(Refused) as refused:
            await judges._run(_hang, None)
    assert refused.value.reason is Reason.TOO_SLOW
    assert await believes(judges)
    until(lambda: not busy.is_alive(), 5)


async def test_whoever_comes_when_too_many_wait_is_sent_away_at_once(
    judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "WAITING", 3)
    field = question(idp.text(idp.signed()))
    done = await asyncio.gather(*(judges.judge(field) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, Busy) for one in done) == 5
    assert await believes(judges)


def test_no_process_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio\n"
        "from control_plane.saml.judging import Judges\n"
        "from control_plane.saml.keys import KeyPair\n"
        "async def main():\n"
        "    judges = Judges([KeyPair.new('test')], 2)\n"
        "    await judges.warm()\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.kill()
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children), 10)
