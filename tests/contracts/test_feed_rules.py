"""What a consumer takes: what fits, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.feed import decode_batch, decode_snapshot, first_mark
from contracts.feed_rules import Accepted, Gap, Held, Refused, accept_batch, accept_snapshot
from tests.contracts.registry import START, Registry


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    for number in range(5):
        made.say("workspace", f"key{number}", [number])
    return made


def held_at(registry: Registry, n: int) -> Held:
    return Held(registry.audience, registry.generation, n, registry.marks[n], START)


def test_what_follows_is_taken(registry: Registry) -> None:
    batch = decode_batch(registry.batch(1, 2), registry.public_keys)
    taken = accept_batch(held_at(registry, 2), batch)
    assert isinstance(taken, Accepted)
    assert taken.held == Held("routing", 1, 5, registry.marks[5], batch.made_at)
    assert [event.n for event in taken.events] == [3, 4, 5]


def test_an_empty_batch_says_how_late_it_is(registry: Registry) -> None:
    batch = decode_batch(registry.batch(1, 5), registry.public_keys)
    held = held_at(registry, 5)
    assert accept_batch(held, batch) == Accepted(replace(held, made_at=batch.made_at))
    later = replace(held, made_at=batch.made_at + timedelta(days=1))
    assert accept_batch(later, batch) == Accepted(later)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"audience": "cell/eu-1"}, Refused),
        ({"generation": 0}, Refused),
        ({"generation": 2}, Gap),
        ({"after": 3}, Gap),
        ({"after": 1}, Refused),
        ({"after_mark": "0" * 64}, Refused),
        ({"upto": 2, "upto_mark": "0" * 64, "events": ()}, Refused),
    ],
)
def test_what_does_not_fit_changes_nothing(registry: Registry, changes: dict[str, object], wanted: type) -> None:
    batch = decode_batch(registry.batch(1, 2), registry.public_keys)
    assert isinstance(accept_batch(held_at(registry, 2), replace(batch, **changes)), wanted)  # type: ignore[arg-type]


def test_a_snapshot_is_taken_when_it_leads_on(registry: Registry) -> None:
    snapshot = decode_snapshot(registry.snapshot(), registry.public_keys)
    for held in (None, held_at(registry, 2), held_at(registry, 5)):
        taken = accept_snapshot(held, "routing", snapshot)
        assert taken == Accepted(Held("routing", 1, 5, registry.marks[5], snapshot.made_at))


def test_a_snapshot_that_leads_back_is_refused(registry: Registry) -> None:
    snapshot = decode_snapshot(registry.snapshot(), registry.public_keys)
    held = held_at(registry, 5)
    for later in (replace(held, n=6), replace(held, generation=2, n=0), replace(held, mark="0" * 64)):
        assert isinstance(accept_snapshot(later, "routing", snapshot), Refused)
    assert isinstance(accept_snapshot(None, "cell/eu-1", snapshot), Refused)


def test_a_raised_generation_is_followed_by_a_snapshot_alone(registry: Registry) -> None:
    held = held_at(registry, 5)
    registry.raise_generation()
    registry.say("workspace", "new", [1])
    batch = decode_batch(registry.batch(2, 0), registry.public_keys)
    assert isinstance(accept_batch(held, batch), Gap)
    assert isinstance(accept_batch(replace(held, n=0, mark=first_mark("routing", 2)), batch), Gap)
    taken = accept_snapshot(held, "routing", decode_snapshot(registry.snapshot(), registry.public_keys))
    assert isinstance(taken, Accepted)
    assert (taken.held.generation, taken.held.n) == (2, 1)


def test_a_restored_registry_is_noticed_by_its_other_history(registry: Registry) -> None:
    held = held_at(registry, 5)
    restored = Registry(keys=registry.keys, seconds=100)
    for number in range(8):
        restored.say("workspace", f"other{number}", [number])
    refused = accept_batch(held, decode_batch(restored.batch(1, 5), registry.public_keys))
    assert isinstance(refused, Refused)
    assert "restored" in refused.reason
