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
        for name, pid in pids.items():
            try:
                spent, held = _of(psutil.Process(pid))
            except psutil.NoSuchProcess:
                self._spent.pop(name, None)
                continue
            use = self.uses.setdefault(name, Use())
            use.most_bytes = max(use.most_bytes, held)
            before = self._spent.get(name)
            if before is not None and at > before[0] and spent >= before[1]:
                use.processors.append((spent - before[1]) / (at - before[0]))
            self._spent[name] = at, spent


def _of(process: psutil.Process) -> tuple[float, int]:
    """Processor seconds and memory of a process and all below it. PostgreSQL's share memory: it counts once."""
    spent, held = 0.0, 0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
            spent += times.user + times.system
            memory = one.memory_info()
            held += memory.rss - (memory.shared if one is not process else 0)
        except psutil.NoSuchProcess:  # a child that ended meanwhile: its time is counted by its parent
            continue
    times = process.cpu_times()
    return spent + times.children_user + times.children_system, held
