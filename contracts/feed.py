"""The form of feeds: what the registry says to those who follow it, as bytes that are signed as they are.

A feed is the log of one audience: `routing` (the routers), `identity/{region}` (its provisioning), `cell/{name}`. An
event says what a record is from now on, or, as a tombstone, that it is gone. Events are numbered without a gap within
a generation, which an operator raises after a restore of the registry.

Each event has a **mark**: SHA-256 of the mark before it and of its own JSON. Whoever knows the mark at n knows the
whole history up to n; a registry that was restored and went on differently cannot give the same one.

Batch and snapshot are a first line, `cellcast-feed-1 {batch|snapshot} {key id}:{signature in hex}`, while a key is
being changed with a second `{key id}:{signature}`, and JSON to the end. Nothing is parsed before a signature holds.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.placements import ROUTING
from kit.signing import SIGNATURE_BYTES, PublicKeys, SignatureRefused, SigningKey

# A record is JSON; null never is one, since it says that there is none.
Record = dict[str, Any] | list[Any]

BATCH_EVENTS = 2000  # events in a batch
BATCH_BYTES = 1 << 20  # a batch ends with the event that reaches this
EVENT_BYTES = 64 * 1024  # of one event; an IdP's certificates fit
LARGEST_BATCH = BATCH_BYTES + EVENT_BYTES + 4096  # bytes; a reader takes no more
LARGEST_SNAPSHOT = 1 << 30  # bytes; 1,000,000 workspaces take about 100 MB
WAIT_S = 25  # the longest that a poll is kept open; less than any proxy's idle time

_SIGNED = re.compile(
    rb"cellcast-feed-1 (batch|snapshot)((?: [0-9a-f]{16}:[0-9a-f]{%d}){1,2})\n" % (2 * SIGNATURE_BYTES)
)
_FIRST_LINE = 512  # bytes; two signatures take 310
_AUDIENCE = re.compile(r"routing|identity/[a-z][a-z0-9-]{0,30}|cell/[a-z][a-z0-9-]{0,30}")
_MARK = re.compile(r"[0-9a-f]{64}")


class FeedRefused(Exception):
    """Bytes that are no batch or snapshot of ours. The text says why, in words for whoever runs the process."""


def identity_audience(region: str) -> str:
    """The audience of a region's provisioning."""
    return f"identity/{region}"


def cell_audience(cell: str) -> str:
    """The audience of one cell."""
    return f"cell/{cell}"


def is_audience(text: str) -> bool:
    """True for the form of an audience's name."""
    return _AUDIENCE.fullmatch(text) is not None


def snapshot_object(audience: str) -> str:
    """Where a region's bucket holds the newest snapshot of an audience."""
    return f"feeds/{audience}/snapshot"


@dataclass(frozen=True, slots=True)
class Event:
    """From n on the record `key` of this `kind` is `record`; None: there is none any more."""

    n: int
    at: datetime
    kind: str
    key: str
    record: Record | None


@dataclass(frozen=True, slots=True)
class BatchHead:
    """What a batch says besides its events: which they are, and where the feed ended when this was made (`head`)."""

    audience: str
    generation: int
    after: int
    after_mark: str
    upto: int
    upto_mark: str
    head: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Batch(BatchHead):
    """Events after+1 .. upto, in order, none missing. An empty one says that nothing was new at `made_at`."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All records of an audience at (generation, n): kind -> key -> record."""

    audience: str
    generation: int
    n: int
    mark: str
    made_at: datetime
    records: dict[str, dict[str, Record]]


def first_mark(audience: str, generation: int) -> str:
    """The mark at n = 0: 64 hex digits."""
    return hashlib.sha256(f"cellcast feed 1\0{audience}\0{generation}".encode()).hexdigest()


def next_mark(mark: str, event: str) -> str:
    """The mark behind `event`, given as its exact JSON."""
    return hashlib.sha256(bytes.fromhex(mark) + event.encode()).hexdigest()


def event_json(event: Event) -> str:
    """An event as the text that is stored, marked and sent. Raises ValueError for one that is too large."""
    said = {"n": event.n, "at": event.at.isoformat(), "kind": event.kind, "key": event.key, "record": event.record}
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    if len(text) > EVENT_BYTES:
        raise ValueError(f"{event.kind} {event.key}: an event of {len(text)} bytes; {EVENT_BYTES} fit")
    return text


def encode_batch(head: BatchHead, events: Sequence[str], keys: Sequence[SigningKey]) -> bytes:
    """A signed batch of events as `event_json` wrote them; `keys` are one, or two during a change of key."""
    facts = {name: getattr(head, name) for name in BatchHead.__slots__ if name != "made_at"}
    start = json.dumps({**facts, "made_at": head.made_at.isoformat()}, separators=(",", ":"))
    return _signed("batch", f'{start[:-1]},"events":[{",".join(events)}]}}'.encode(), keys)


def decode_batch(raw: bytes, public_keys: PublicKeys) -> Batch:
    """Verify and read a batch. Raises FeedRefused; that it fits to what a consumer holds is for the consumer to see."""
    if len(raw) > LARGEST_BATCH:
        raise FeedRefused(f"a batch of more than {LARGEST_BATCH} bytes")
    body = _verified("batch", raw, public_keys)
    try:
        data = json.loads(body)
        events = tuple(_event(one) for one in data["events"])
        after, upto = _count(data["after"]), _count(data["upto"])
        if [one.n for one in events] != list(range(after + 1, upto + 1)):
            raise FeedRefused("signed, but its events are not those it names")
        return Batch(
            audience=_audience(data["audience"]),
            generation=_count(data["generation"]),
            after=after,
            after_mark=_mark(data["after_mark"]),
            upto=upto,
            upto_mark=_mark(data["upto_mark"]),
            head=_count(data["head"]),
            made_at=_moment(data["made_at"]),
            events=events,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FeedRefused(f"signed, but not of this format: {error!r}") from error


def encode_snapshot(
    audience: str,
    generation: int,
    n: int,
    mark: str,
    made_at: datetime,
    records: Iterable[tuple[str, Iterable[str]]],
    keys: Sequence[SigningKey],
) -> bytes:
    """A signed snapshot; `records` are kinds, each with its members as `member_json` writes them."""
    start = json.dumps(
        {"audience": audience, "generation": generation, "n": n, "mark": mark, "made_at": made_at.isoformat()},
        separators=(",", ":"),
    )
    kinds = ",".join(f"{json.dumps(kind)}:{{{','.join(members)}}}" for kind, members in records)
    return _signed("snapshot", f'{start[:-1]},"records":{{{kinds}}}}}'.encode(), keys)


def member_json(key: str, record: Record) -> str:
    """One record of a snapshot, as text: a million of them are written without holding a million objects."""
    return f"{json.dumps(key)}:{json.dumps(record, separators=(',', ':'), allow_nan=False)}"


def decode_snapshot(raw: bytes, public_keys: PublicKeys) -> Snapshot:
    """Verify and read a snapshot. Raises FeedRefused."""
    if len(raw) > LARGEST_SNAPSHOT:
        raise FeedRefused(f"a snapshot of more than {LARGEST_SNAPSHOT} bytes")
    body = _verified("snapshot", raw, public_keys)
    try:
        data = json.loads(body)
        records = data["records"]
        if not all(isinstance(members, dict) for members in records.values()):
            raise FeedRefused("signed, but its records are not tables")
        return Snapshot(
            audience=_audience(data["audience"]),
            generation=_count(data["generation"]),
            n=_count(data["n"]),
            mark=_mark(data["mark"]),
            made_at=_moment(data["made_at"]),
            records=records,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FeedRefused(f"signed, but not of this format: {error!r}") from error


def _signed(what: str, body: bytes, keys: Sequence[SigningKey]) -> bytes:
    signatures = " ".join(f"{key.id}:{key.sign(_tag(what), body).hex()}" for key in keys)
    return f"cellcast-feed-1 {what} {signatures}\n".encode() + body


def _verified(what: str, raw: bytes, public_keys: PublicKeys) -> bytes:
    """The body, when one of its signatures is by a key that counts and holds."""
    end = raw.find(b"\n", 0, _FIRST_LINE) + 1
    found = _SIGNED.fullmatch(raw[:end])
    if found is None or found[1] != what.encode():
        raise FeedRefused(f"not a {what} of this format, or cut off in its first line")
    body = raw[end:]
    signatures = [one.decode().split(":") for one in found[2].split()]
    known = [(by, signature) for by, signature in signatures if by in public_keys.ids] or signatures
    try:
        public_keys.verify(_tag(what), body, bytes.fromhex(known[0][1]), known[0][0])
    except SignatureRefused as refused:
        raise FeedRefused(f"{refused}: changed, cut off, or not ours") from refused
    return body


def _tag(what: str) -> str:
    return f"feed {what} 1"


def _event(data: Any) -> Event:  # JSON that is signed, but whose shape is yet to be seen
    record = data["record"]
    if not (record is None or isinstance(record, dict | list)):
        raise FeedRefused("signed, but a record is neither an object nor a list")
    return Event(_count(data["n"]), _moment(data["at"]), _word(data["kind"]), _word(data["key"]), record)


def _count(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise FeedRefused(f"{number!r} is not a count")
    return number


def _word(text: Any) -> str:
    if type(text) is not str or not text:
        raise FeedRefused(f"{text!r} is not a word")
    return text


def _audience(text: Any) -> str:
    if not is_audience(_word(text)):
        raise FeedRefused(f"{text!r} is not an audience")
    return str(text)


def _mark(text: Any) -> str:
    if not _MARK.fullmatch(_word(text)):
        raise FeedRefused("a mark is 64 hex digits")
    return str(text)


def _moment(text: Any) -> datetime:
    at = datetime.fromisoformat(_word(text))
    if at.tzinfo is None:
        raise FeedRefused(f"{text!r} has no time zone")
    return at


__all__ = [
    "BATCH_BYTES",
    "BATCH_EVENTS",
    "LARGEST_BATCH",
    "LARGEST_SNAPSHOT",
    "ROUTING",
    "WAIT_S",
    "Batch",
    "BatchHead",
    "Event",
    "FeedRefused",
    "Record",
    "Snapshot",
    "cell_audience",
    "decode_batch",
    "decode_snapshot",
    "encode_batch",
    "encode_snapshot",
    "event_json",
    "first_mark",
    "identity_audience",
    "is_audience",
    "member_json",
    "next_mark",
    "snapshot_object",
]
