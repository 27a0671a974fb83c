"""What a process and all below it use is counted, those that have ended too."""

import subprocess
import sys
import time
from pathlib import Path

from loadtest.load.resources import Watch
from tests.waiting import until

BUSY = "import time\nwhile time.process_time() < {}: pass\n"
# A child that ends and is waited for, then one that goes on.
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BUSY.format(0.2)!r}])
print("ended", flush=True)
subprocess.run([sys.executable, "-c", {BUSY.format(0.2)!r} + "print('busy', flush=True); input()"])
"""


def test_children_count_with_their_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        watch, begun = Watch(), time.monotonic()
        watch.look(begun, {"parent": parent.pid, "nobody": 2**22 + 1})
        assert parent.stdout is not None and parent.stdin is not None
        assert [parent.stdout.readline(), parent.stdout.readline()] == ["ended\n", "busy\n"]
        watch.look(begun + 10, {"parent": parent.pid, "nobody": 2**22 + 1})
        parent.stdin.close()
    assert watch.uses.keys() == {"parent"}
    assert sum(watch.uses["parent"].processors) * 10 >= 0.35  # in ticks of 10 ms
    assert watch.uses["parent"].facts()["most_mib"] > 5


def test_what_has_ended_is_looked_at_no_more() -> None:
    watch = Watch()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        watch.look(1.0, {"child": child.pid})
        assert child.stdin is not None
        child.stdin.close()
    until(lambda: not Path(f"/proc/{child.pid}").exists(), 5)
    watch.look(2.0, {"child": child.pid})
    assert watch.uses["child"].processors == []
