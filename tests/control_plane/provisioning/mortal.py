"""A process that signs somebody up, or sweeps, and is killed with SIGKILL at one of its calls."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.peers import Peer, Peers
from control_plane.provisioning.saga import SignUp, SignUps
from kit.calls import Calls
from kit.calls.operations import A, Operation, Q
from kit.signing import SigningKey

NAME = "provisioning-eu"
WITHIN_S = 120

# A fork of a process that has imported everything already: a hundred of them in seconds.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """At call number `at`: before it goes out, or once it was answered and nobody heard."""

    at: int
    answered: bool


def killed(key: SigningKey, peers: Sequence[Peer], death: Death, one: SignUp | None) -> bool:
    """Sign somebody up in a process of its own, or sweep where nobody is named; whether it was killed meanwhile."""
    child = _FORKS.Process(target=_live, args=(key.to_text(), list(peers), death, one))
    child.start()
    child.join(WITHIN_S)
    code = child.exitcode
    assert code in {0, -signal.SIGKILL}, f"ended with {code}"
    return code != 0


@dataclass
class _Mortal:
    calls: Calls
    death: Death
    made: int = 0

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        self.made += 1
        if self.made == self.death.at and not self.death.answered:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await self.calls.call(peer, operation, request)
        if self.made == self.death.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def _live(key: str, peers: list[Peer], death: Death, one: SignUp | None) -> None:
    asyncio.run(_run(SigningKey.from_text(key), Peers(peers), death, one))


async def _run(key: SigningKey, peers: Peers, death: Death, one: SignUp | None) -> None:
    async with Calls(NAME, key, peers) as calls:
        sign_ups = SignUps(_Mortal(calls, death), peers, "eu")
        if one is None:
            await sign_ups.sweep(0)
        else:
            await sign_ups.sign_up(one)
