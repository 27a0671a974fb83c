"""Jobs: a row written with the change that caused it is the truth; the broker is only the wake-up.

Outside use: `Kind` and `Tasks` (declare), `later` (in a write); `runner`, `sweep` and `broker` in processes.
"""

from kit.jobs.kinds import GiveUp, Kind, Lane, RunAgain, Tasks
from kit.jobs.outbox import later, later_directly

__all__ = ["GiveUp", "Kind", "Lane", "RunAgain", "Tasks", "later", "later_directly"]
