"""The subject of what anybody may ask."""

from dataclasses import dataclass
from typing import Any, Self

from quart import request

from kit.web.routes import Scope


@dataclass(frozen=True)
class Anyone:
    """Whoever asks, known by a network address alone."""

    address: str

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """Never refuses."""
        return cls(request.remote_addr or "unknown")
