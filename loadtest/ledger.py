"""What the cells acknowledged during a load, to be asked about afterwards: nothing of it may be lost or doubled."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.target import Workspace


@dataclass(frozen=True)
class Entry:
    """A recording of a workspace, and what a cell said of it: "begun" or "finished", with its seconds."""

    at: float  # seconds since the epoch
    workspace: str
    recording: str
    said: str
    seconds: int = 0


_entries: list[Entry] = []


def note(workspace: Workspace, recording: str, said: str, *, seconds: int = 0) -> None:
    """Write down what was acknowledged."""
    _entries.append(Entry(time.time(), workspace.key, recording, said, seconds))


def taken() -> list[dict[str, Any]]:
    """What was noted since the last time, to be sent on to whoever collects it."""
    out = [asdict(one) for one in _entries]
    _entries.clear()
    return out
