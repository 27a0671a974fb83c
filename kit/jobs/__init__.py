"""Jobs: a row written with the change that caused it is the truth; the broker is only the wake-up.

Outside use: `Kind` and `kind` (declare), `later` (in a write), `Runner`, `sweep` and the broker (in processes).
"""

from kit.jobs.kinds import GiveUp, Kind, Kinds, Lane, RunAgain
from kit.jobs.outbox import later

__all__ = ["GiveUp", "Kind", "Kinds", "Lane", "RunAgain", "later"]
