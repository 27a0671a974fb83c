"""What counts as lost, torn or doubled."""

from typing import Any

import pytest

from loadtest.load import endstate
from loadtest.load.endstate import EndState


def _recording(name: str, state: str = "ready", duration_ms: int = 10_000) -> dict[str, Any]:
    return {"id": name, "state": state, "duration_ms": duration_ms}


@pytest.mark.parametrize(
    ("kept", "lost", "torn", "doubled"),
    [
        ([_recording("a")], [], [], []),
        ([], ["a"], [], []),
        ([_recording("a", "failed")], ["a"], [], []),
        ([_recording("a", "processing")], ["a"], [], []),
        ([_recording("a", duration_ms=7_000)], [], ["a"], []),
        ([_recording("a"), _recording("a")], [], [], ["a"]),
        ([_recording("a"), _recording("unknown")], [], [], ["unknown"]),
        ([_recording("a"), _recording("unknown", "recording")], [], [], []),
        ([_recording("a"), _recording("begun", "abandoned")], [], [], []),
    ],
)
def test_a_verdict_for_each_end(
    kept: list[dict[str, Any]], lost: list[str], torn: list[str], doubled: list[str]
) -> None:
    out = EndState()
    endstate.judge(out, {"a": 10}, {"a", "begun"}, kept)
    assert (out.finished, out.lost, out.torn, out.doubled) == (1, lost, torn, doubled)
