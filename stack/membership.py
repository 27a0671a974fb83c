"""How a process becomes known to the registry: registered once with address and key, changed when either changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.signing import SigningKey
from stack.operator import Operator
from stack.registry import Registry
from stack.site import Part, Site
from stack.state import new_signing_key
from stack.supervisor import Step


@dataclass(frozen=True)
class Kind:
    """What an operator calls such processes, how their address, what else is said when one is added, and its feed."""

    group: str
    url: str
    facts: Sequence[str]
    audience: str


class Membership:
    """The place of one process among the others: its key, and the credential with which it reads its feed."""

    def __init__(self, site: Site, registry: Registry, name: str, url: str, kind: Kind) -> None:
        self._site, self._registry, self._name, self._kind = site, registry, name, kind
        self._key = SigningKey.from_text(site.state.secret(f"{name}-signing", new_signing_key))
        self._facts = (kind.url, url, "--public-key", self._key.public_text())
        self._token = f"{name}-feed"
        self.step = f"{name}-registered"

    @property
    def settings(self) -> dict[str, str]:
        """What the process is told; ask when it is started, since the credential comes with the step."""
        return {
            "SIGNING_KEY": self._key.to_text(),
            "REGISTRY_PUBLIC_KEYS": self._registry.public_keys,
            "FEED_URL": self._registry.url,
            "FEED_TOKEN": self._site.state.secrets.get(self._token, ""),
            "STATE_DIR": str(self._site.folder.of_part(self._name) / "feed"),
        }

    def part(self) -> Part:
        """The step. Nobody is asked when nothing changed: the process then starts with the control plane gone."""
        after = () if self._is_done() else self._registry.ready
        return Part(steps=[Step(self.step, self._register, after)])

    def _is_done(self) -> bool:
        return self._site.state.done.get(self.step) == " ".join(self._facts)

    async def _register(self) -> None:
        if self._is_done():
            return
        state, operator = self._site.state, self._registry.operator
        token = await (self._change if await self._is_known(operator) else self._add)(operator)
        state.secrets[self._token] = token
        state.done[self.step] = " ".join(self._facts)
        state.save()

    async def _is_known(self, operator: Operator) -> bool:
        listed = await operator.ask(self.step, self._kind.group, "list")
        return self._name in {one["name"] for one in listed["items"]}

    async def _add(self, operator: Operator) -> str:
        words = (self._kind.group, "add", self._name, *self._kind.facts, *self._facts)
        return str((await operator.ask(self.step, *words))["feed_token"])

    async def _change(self, operator: Operator) -> str:
        """Also where an earlier start was cut off between the registry's answer and our keeping it."""
        words = (self._kind.group, "change", self._name, *self._facts, "--why", "its stack was taken up")
        await operator.ask(self.step, *words)
        return await reader_token(operator, self.step, self._name, self._kind.audience)


async def reader_token(operator: Operator, step: str, name: str, audience: str) -> str:
    """A credential for a reader of a feed, in place of the one it had."""
    words = ("control-plane", "readers", "issue", name, "--audience", audience)
    return str((await operator.ask(step, *words))["token"])
