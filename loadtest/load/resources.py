"""What the processes of a deployment on this machine use while they are under load."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

_MIB = 1 << 20


@dataclass
class Use:
    """One process with its children: processors (1.0 is one of them) at each look, and the most memory."""

    processors: list[float] = field(default_factory=list)
    most_bytes: int = 0

    def facts(self) -> dict[str, float]:
        """Mean and most processors, and the most memory in MiB."""
        seen = self.processors or [math.nan]
        mean = sum(seen) / len(seen)
        return {"mean": round(mean, 3), "most": round(max(seen), 3), "most_mib": round(self.most_bytes / _MIB, 1)}


class Watch:
    """Looks at processes by name; whoever holds it says when."""

    def __init__(self) -> None:
        self.uses: dict[str, Use] = {}
        self._spent: dict[str, tuple[float, float]] = {}

    def look(self, at: float, pids: Mapping[str, int]) -> None:
        """Take what each used since the last look. `at` is monotonic seconds."""
        there = _all()
        for name, pid in pids.items():
            if pid not in there:
                self._spent.pop(name, None)
                continue
            spent, held = _of(pid, there)
            use = self.uses.setdefault(name, Use())
            use.most_bytes = max(use.most_bytes, held)
            before = self._spent.get(name)
            if before is not None and at > before[0] and spent >= before[1]:
                use.processors.append((spent - before[1]) / (at - before[0]))
            self._spent[name] = at, spent


@dataclass(frozen=True)
class _Process:
    """One process of the machine at one look."""

    own_s: float
    ended_children_s: float
    memory: int
    shared: int
    children: list[int] = field(default_factory=list)


def _all() -> dict[int, _Process]:
    """Every process of the machine, looked at once: looking itself takes time that is missed elsewhere."""
    found, below = dict[int, _Process](), dict[int, list[int]]()
    for one in psutil.process_iter(["ppid", "cpu_times", "memory_info"]):
        times, memory = one.info["cpu_times"], one.info["memory_info"]
        if times is None or memory is None:
            continue  # it ended meanwhile, or is not ours to look at
        children = below.setdefault(one.pid, [])
        ended = times.children_user + times.children_system
        found[one.pid] = _Process(times.user + times.system, ended, memory.rss, memory.shared, children)
        below.setdefault(one.info["ppid"], []).append(one.pid)
    return found


def _of(pid: int, there: Mapping[int, _Process]) -> tuple[float, int]:
    """Processor seconds and memory of a process and all below it. PostgreSQL's share memory: it counts once."""
    top = there[pid]
    spent, held = top.own_s + top.ended_children_s, top.memory
    waiting = list(top.children)
    while waiting:
        one = there.get(waiting.pop())
        if one is not None:  # else it ended meanwhile: its time is counted by its parent
            spent += one.own_s
            held += one.memory - one.shared
            waiting += one.children
    return spent, held
