"""Acting on the registry as an operator does: by the commands of `cellcast`, with a token of the stack's own."""

import json
from typing import Any

from stack.errors import StackError
from stack.site import Site

NAME = "stack"
_SECRET = "operator"  # noqa: S105 - its name in the state


class Operator:
    """The operator `stack`, whose token is made beside the registry's database when there is none yet."""

    def __init__(self, site: Site, url: str) -> None:
        self._site, self._url = site, url

    @property
    def token(self) -> str:
        """Its token, for stack.json; empty before it was made."""
        return self._site.state.secrets.get(_SECRET, "")

    def take(self, token: str) -> None:
        """Act with this token from now on."""
        self._site.state.secrets[_SECRET] = token
        self._site.state.save()

    async def ask(self, step: str, *words: str, given: str = "") -> dict[str, Any]:
        """What a command answers; `given` goes to its stdin. Raises StackError with what it said last."""
        settings = {"URL": self._url, "OPERATOR_TOKEN": self.token}
        command = self._site.cellcast([*words, "--json"], "CELLCAST_", settings)
        answer = json.loads(await self._site.run(step, command, given))
        if not isinstance(answer, dict):
            raise StackError(f"{step}: `cellcast {' '.join(words[:2])}` answered with no object")
        return answer
