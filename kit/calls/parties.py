"""The processes that may call and be called: a name, an address, the keys whose signatures count."""

from dataclasses import dataclass
from typing import Protocol

from kit.signing import PublicKeys


@dataclass(frozen=True)
class Party:
    """One process, or several that share a name and a key. `url` is empty for one that is never called."""

    name: str
    url: str
    keys: PublicKeys


class Directory(Protocol):
    """Whoever knows the parties. Asked anew for each call, since they come and go."""

    def find(self, name: str) -> Party | None:
        """The party of that name."""
        ...
