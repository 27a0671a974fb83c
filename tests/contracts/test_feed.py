"""Batches and snapshots: what is written is read, and nothing else is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import feed
from contracts.feed import BatchHead, Event, FeedRefused
from kit.signing import PublicKeys, SigningKey

KEY, NEXT = SigningKey.new(), SigningKey.new()
PUBLIC = PublicKeys([KEY.public])
AT = datetime(2026, 11, 24, tzinfo=UTC)
RECORDS = st.lists(st.text(max_size=8) | st.integers(), max_size=4) | st.dictionaries(st.text(max_size=5), st.text())
EVENTS = st.lists(
    st.tuples(st.sampled_from(["cell", "workspace"]), st.text(min_size=1, max_size=12), st.none() | RECORDS),
    max_size=10,
)


def batch(*said: tuple[str, str, feed.Record | None], after: int = 7) -> tuple[BatchHead, list[Event]]:
    events = [Event(after + 1 + place, AT, *one) for place, one in enumerate(said)]
    marks = [feed.first_mark("routing", 1)]
    for event in events:
        marks.append(feed.next_mark(marks[-1], feed.event_json(event)))
    upto = after + len(events)
    return BatchHead("routing", 1, after, marks[0], upto, marks[-1], upto + 3, AT), events


def raw_of(head: BatchHead, events: list[Event], *keys: SigningKey) -> bytes:
    return feed.encode_batch(head, [feed.event_json(one) for one in events], keys or [KEY])


@given(said=EVENTS, after=st.integers(0, 2**50))
@settings(max_examples=50)
def test_what_is_written_is_read(said: list[tuple[str, str, feed.Record | None]], after: int) -> None:
    head, events = batch(*said, after=after)
    read = feed.decode_batch(raw_of(head, events), PUBLIC)
    assert read.events == tuple(events)
    assert BatchHead(*(getattr(read, name) for name in BatchHead.__slots__)) == head


def test_every_changed_or_missing_byte_is_refused() -> None:
    whole = raw_of(*batch(("cell", "eu-1", ["eu", "http://eu-1.example"]), ("cell", "eu-2", None)))
    for place in range(len(whole)):
        for changed in (whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], whole[:place]):
            with pytest.raises(FeedRefused):
                feed.decode_batch(changed, PUBLIC)
    with pytest.raises(FeedRefused):
        feed.decode_batch(whole + b" ", PUBLIC)


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(FeedRefused):
        feed.decode_batch(raw, PUBLIC)
    with pytest.raises(FeedRefused):
        feed.decode_snapshot(raw, PUBLIC)


def test_during_a_change_of_key_either_pinned_key_suffices() -> None:
    both = raw_of(*batch(("cell", "eu-1", None)), KEY, NEXT)
    for pinned in ([KEY], [NEXT], [KEY, NEXT]):
        assert feed.decode_batch(both, PublicKeys(key.public for key in pinned)).upto == 8
    with pytest.raises(FeedRefused, match="unknown key"):
        feed.decode_batch(both, PublicKeys([SigningKey.new().public]))


def test_a_snapshot_is_no_batch_and_a_batch_no_snapshot() -> None:
    raw = raw_of(*batch())
    with pytest.raises(FeedRefused):
        feed.decode_snapshot(raw, PUBLIC)
    with pytest.raises(FeedRefused, match="changed, cut off, or not ours"):
        feed.decode_snapshot(raw.replace(b"batch", b"snapshot", 1), PUBLIC)


def test_events_that_are_not_those_named_are_refused_even_when_signed() -> None:
    head, events = batch(("cell", "eu-1", None), ("cell", "eu-2", None))
    for wrong in (events[:1], events[::-1], [events[0], events[0]]):
        with pytest.raises(FeedRefused, match="not those it names"):
            feed.decode_batch(raw_of(head, wrong), PUBLIC)


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "everybody"},
        {"generation": -1},
        {"after_mark": "x"},
        {"head": True},
        {"made_at": datetime(2026, 1, 1)},
    ],
)
def test_odd_facts_are_refused_even_when_signed(change: dict[str, object]) -> None:
    head, events = batch()
    with pytest.raises(FeedRefused):
        feed.decode_batch(raw_of(replace(head, **change), events), PUBLIC)  # type: ignore[arg-type]  # wrong on purpose


def test_a_snapshot_says_every_record() -> None:
    cells = [feed.member_json("eu-1", ["eu", "http://eu-1.example"]), feed.member_json('odd"key', {"a": "ü"})]
    kinds = [("cell", cells), ("workspace", [])]
    raw = feed.encode_snapshot("cell/eu-1", 2, 9, "a" * 64, AT, kinds, [KEY])
    read = feed.decode_snapshot(raw, PUBLIC)
    assert (read.audience, read.generation, read.n, read.mark, read.made_at) == ("cell/eu-1", 2, 9, "a" * 64, AT)
    assert read.records == {"cell": {"eu-1": ["eu", "http://eu-1.example"], 'odd"key': {"a": "ü"}}, "workspace": {}}


def test_a_mark_is_that_of_the_whole_history() -> None:
    one, other = (feed.event_json(Event(1, AT, "cell", name, None)) for name in ("eu-1", "eu-2"))
    start = feed.first_mark("routing", 1)
    assert len({start, feed.first_mark("routing", 2), feed.first_mark("cell/eu-1", 1)}) == 3
    assert feed.next_mark(feed.next_mark(start, one), other) != feed.next_mark(feed.next_mark(start, other), one)


def test_an_event_that_no_reader_would_take_is_not_written() -> None:
    with pytest.raises(ValueError, match="65536 fit"):
        feed.event_json(Event(1, AT, "cell", "eu-1", ["x" * 70_000]))


@pytest.mark.parametrize("text", ["routing", "identity/eu", "cell/eu-12"])
def test_audiences(text: str) -> None:
    assert feed.is_audience(text)
    assert not feed.is_audience(text + "/x") and not feed.is_audience(text.upper())
