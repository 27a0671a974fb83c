"""The copy of a workspace's ownership that grants are decided by: one Redis hash, read together with the recording's.

As with recordings, it is held shut before a change commits and set after it; an older copy never replaces a newer
one, and where it is missing the row is read.
"""

from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis

from contracts.placements import State

SHUT_S = 40  # longer than a transaction may take to commit after it held the gate: statements end at 30 s
KEPT_S = 3600

# KEYS[1] the hash; ARGV epoch, version, state, life. An older copy never replaces a newer one.
_PUT = """
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if epoch > tonumber(ARGV[1]) or (epoch == tonumber(ARGV[1]) and version > tonumber(ARGV[2])) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'version', ARGV[2], 'state', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""


@dataclass(frozen=True, order=True)
class Held:
    """What a cell holds of a workspace; later ones are greater."""

    epoch: int
    version: int
    state: State


async def put(redis: "Redis", workspace_id: UUID, held: Held) -> None:
    """Set the copy as the committed row says."""
    await redis.eval(_PUT, 1, at(workspace_id), held.epoch, held.version, held.state.value, KEPT_S)


async def shut(redis: "Redis", workspace_id: UUID, coming: Held) -> None:
    """Let no grant pass for a change that is about to commit. Redis away: raises, nothing changes."""
    await redis.eval(_PUT, 1, at(workspace_id), coming.epoch, coming.version, State.FROZEN.value, SHUT_S)


def at(workspace_id: UUID) -> str:
    """The key of the hash; its field `state` says whether the workspace may be written."""
    return f"owned:{workspace_id}"
