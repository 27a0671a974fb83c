"""The workspaces of a region and their connections, as its feed tells them: good with the control plane gone."""

from uuid import UUID

from contracts.feed_state import FeedState, Reads
from contracts.identity import SSO, Connection, connection_of
from contracts.keys import is_key
from contracts.operations import Home
from contracts.placements import Placement
from contracts.records import CELL, WORKSPACE, cell_of, placement_of
from contracts.said import Region


class Keys:
    """Workspace id -> key. The feed's records stand under keys, and some calls name the id alone.

    It only ever points: what it points at is looked up in the feed's state, so one entry too many does no harm.
    """

    def __init__(self) -> None:
        self._keys: dict[UUID, str] = {}

    @property
    def kinds(self) -> dict[str, Reads]:
        """What the feed's state keeps for us, each kind with what reads it."""
        return {SSO: connection_of, CELL: cell_of, WORKSPACE: self.read}

    def read(self, key: str, record: object) -> Placement:
        """Read a workspace's record and remember its key. Raises RecordRefused."""
        placement = placement_of(key, record)
        self._keys[placement.workspace_id] = key
        return placement

    def get(self, workspace_id: UUID) -> str | None:
        """The key of a workspace that was heard of."""
        return self._keys.get(workspace_id)


class Workspaces:
    """What provisioning knows of its region's workspaces; also the `Homes` of those who may call it."""

    def __init__(self, feed: FeedState, keys: Keys, region: Region) -> None:
        self._feed = feed
        self._keys = keys
        self._region = region
        for key, record in feed.records(WORKSPACE).items():
            keys.read(key, record)

    async def home(self, workspace_id: UUID) -> Home | None:
        """Where a workspace lives now."""
        cell = await self.cell_of(workspace_id)
        return None if cell is None else Home(self._region, cell)

    async def cell_of(self, workspace_id: UUID) -> str | None:
        """The name of its cell."""
        key = self._keys.get(workspace_id)
        placement = None if key is None else self.get(key)
        return placement.cell if placement is not None and placement.workspace_id == workspace_id else None

    def get(self, key: str) -> Placement | None:
        """The workspace of that key, if it lives in this region."""
        record = self._feed.record(WORKSPACE, key) if is_key(key) else None
        return None if record is None else placement_of(key, record)

    def connection(self, placement: Placement) -> Connection | None:
        """Its connection, if it has one and that is truly its own."""
        record = self._feed.record(SSO, placement.key)
        found = None if record is None else connection_of(placement.key, record)
        return found if found is not None and found.workspace_id == placement.workspace_id else None

    def cell_url(self, placement: Placement) -> str | None:
        """Where browsers find its cell."""
        record = self._feed.record(CELL, placement.cell)
        return None if record is None else cell_of(placement.cell, record).url
