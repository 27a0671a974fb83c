"""The gate before grants: one Redis hash a recording says whether chunks may come, and how much has been granted.

The hash is a copy of the row. It is held shut before a change of state commits and set anew after it, so it never
allows what the row no longer does; where it is missing, the row is read. A crash in between leaves it shut for a
few seconds, then missing. The workspace's ownership (`cell/ownership/gate.py`) is read in the same breath.
"""

from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis

from cell.ownership import gate as ownership
from cell.recordings.states import UPLOADING, State

SHUT_S = 40  # longer than a transaction may take to commit after it held the gate: statements end at 30 s
KEPT_S = 3600

# KEYS[1] the hash; ARGV version, then field/value pairs. An older copy never replaces a newer one.
_PUT = """
local known = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if known > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
# KEYS[1] the hash, KEYS[2] that of ownership; the three fields that decide, and whether the workspace may be written.
_READ = """
local found = redis.call('HMGET', KEYS[1], 'state', 'version', 'upload_key')
found[4] = redis.call('HGET', KEYS[2], 'state')
return found
"""
# KEYS as above; ARGV now, version, most bytes, life, then index/size pairs. Counts a chunk once however often it is
# granted, by its largest grant, since that one may still be used. Answers the bytes granted in all, -1 where the gate
# changed meanwhile, -2 where it would be too much, -3 where the workspace was frozen meanwhile.
_COUNT = """
local owned = redis.call('HGET', KEYS[2], 'state')
if owned and owned ~= 'active' then return -3 end
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[2] then return -1 end
local total = tonumber(redis.call('HGET', KEYS[1], 'bytes') or '0')
for i = 5, #ARGV, 2 do
  local before = tonumber(redis.call('HGET', KEYS[1], 'c' .. ARGV[i]) or '0')
  total = total + math.max(tonumber(ARGV[i + 1]) - before, 0)
end
if total > tonumber(ARGV[3]) then return -2 end
for i = 5, #ARGV, 2 do
  local before = tonumber(redis.call('HGET', KEYS[1], 'c' .. ARGV[i]) or '0')
  redis.call('HSET', KEYS[1], 'c' .. ARGV[i], string.format('%d', math.max(tonumber(ARGV[i + 1]), before)))
end
redis.call('HSET', KEYS[1], 'bytes', total, 'seen', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return total
"""


@dataclass(frozen=True)
class Gate:
    """The copy of a recording's row that grants are decided by.

    `workspace` is the state of its workspace's ownership; None: the copy does not say, so the row has to.
    """

    state: State
    version: int
    upload_key: bytes
    workspace: str | None = None

    @property
    def open(self) -> bool:
        """Whether chunks may come."""
        return self.state in UPLOADING


class Gates:
    """The gates of one cell."""

    def __init__(self, redis: "Redis") -> None:
        self.redis = redis

    async def read(self, workspace_id: UUID, recording_id: UUID) -> Gate | None:
        """The gate, or None where the row has to be read. One Redis read."""
        state, version, upload_key, workspace = await self.redis.eval(
            _READ, 2, _at(workspace_id, recording_id), ownership.at(workspace_id)
        )
        if state is None or version is None or upload_key is None:
            return None
        return Gate(State(str(state)), int(version), bytes.fromhex(str(upload_key)), workspace)

    async def put(
        self, workspace_id: UUID, recording_id: UUID, gate: Gate, granted: dict[int, int] | None = None
    ) -> None:
        """Set the gate as the committed row says; `granted` (index -> bytes) where the counts were lost."""
        pairs = ["state", gate.state.value, "upload_key", gate.upload_key.hex()]
        if granted is not None:
            pairs += ["bytes", str(sum(granted.values()))]
            for index, size in granted.items():
                pairs += [f"c{index}", str(size)]
        for start in range(0, len(pairs), 4000):  # Lua's unpack takes some 8,000 values
            await self.redis.eval(
                _PUT, 1, _at(workspace_id, recording_id), gate.version, KEPT_S, *pairs[start : start + 4000]
            )

    async def shut(self, workspace_id: UUID, recording_id: UUID, version: int) -> None:
        """Shut the gate for a change that is about to commit as `version`. Redis away: raises, nothing changes."""
        # FINISHING says no to grants; what the state really becomes follows the commit.
        await self.redis.eval(_PUT, 1, _at(workspace_id, recording_id), version, SHUT_S, "state", State.FINISHING.value)

    async def count(
        self, workspace_id: UUID, recording_id: UUID, gate: Gate, sizes: dict[int, int], most: int, now: float
    ) -> int:
        """Count granted chunks: the bytes granted in all.

        -1 where the gate changed, -2 where it is too much, -3 where the workspace may not be written.
        """
        pairs = [text for index, size in sizes.items() for text in (str(index), str(size))]
        keys = _at(workspace_id, recording_id), ownership.at(workspace_id)
        counted = await self.redis.eval(_COUNT, 2, *keys, int(now), gate.version, most, KEPT_S, *pairs)
        return int(counted)

    async def seen(self, workspace_id: UUID, recording_id: UUID) -> float:
        """When the browser last asked for grants (unix seconds); 0 where nobody knows."""
        found = await self.redis.hget(_at(workspace_id, recording_id), "seen")
        return float(found) if found is not None else 0.0


def _at(workspace_id: UUID, recording_id: UUID) -> str:
    return f"upload:{workspace_id}:{recording_id}"
