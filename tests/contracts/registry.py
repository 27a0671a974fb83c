"""A registry in memory for tests of consumers: one audience's feed, as the control plane keeps it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts import feed
from contracts.feed import BatchHead, Event, Record
from kit.signing import PublicKeys, SigningKey

START = datetime(2026, 11, 24, tzinfo=UTC)
Records = dict[str, dict[str, Record]]


class SnapshotNeeded(Exception):
    """410 of the control plane."""


class Behind(Exception):
    """409 of the control plane."""


@dataclass
class Registry:
    """Says everything that the control plane can say about one audience. Keys: the first one signs alone."""

    audience: str = "routing"
    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey.new()])
    generation: int = 1
    floor: int = 0
    events: list[str] = field(default_factory=list)  # all of this generation
    marks: list[str] = field(default_factory=list)  # marks[n] is the mark at n
    records: Records = field(default_factory=dict)
    seconds: int = 0

    def __post_init__(self) -> None:
        self.marks = [feed.first_mark(self.audience, self.generation)]

    @property
    def n(self) -> int:
        return len(self.events)

    @property
    def public_keys(self) -> PublicKeys:
        return PublicKeys([key.public for key in self.keys])

    def say(self, kind: str, key: str, record: Record | None) -> None:
        """One change."""
        text = feed.event_json(Event(self.n + 1, self._now(), kind, key, record))
        self.events.append(text)
        self.marks.append(feed.next_mark(self.marks[-1], text))
        members = self.records.setdefault(kind, {})
        if record is None:
            members.pop(key, None)
        else:
            members[key] = record

    def batch(self, generation: int, after: int, most: int = feed.BATCH_EVENTS) -> bytes:
        """The answer to a poll."""
        if (generation, after) > (self.generation, self.n):
            raise Behind
        if generation < self.generation or after < self.floor:
            raise SnapshotNeeded
        upto = min(self.n, after + most)
        head = BatchHead(
            self.audience, self.generation, after, self.marks[after], upto, self.marks[upto], self.n, self._now()
        )
        return feed.encode_batch(head, self.events[after:upto], self.keys)

    def snapshot(self) -> bytes:
        """The snapshot of this moment."""
        members = [
            (kind, [feed.member_json(key, record) for key, record in of_kind.items()])
            for kind, of_kind in self.records.items()
        ]
        return feed.encode_snapshot(
            self.audience, self.generation, self.n, self.marks[-1], self._now(), members, self.keys
        )

    def raise_generation(self) -> None:
        """Begin again, as an operator does after a restore."""
        self.generation += 1
        self.floor, self.events = 0, []
        self.marks = [feed.first_mark(self.audience, self.generation)]

    def _now(self) -> datetime:
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)
