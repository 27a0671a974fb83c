"""What a cell holds is what it has, divided by what one recorder needs."""

import pytest

from loadtest.capacity import Costs, Size, Use, estimate
from loadtest.capacity.costs import BUNDLED, read
from loadtest.capacity.ramp import Slot, held, slots
from loadtest.samples import Sample

COSTS = Costs(
    at="2026-11-29T18:00:00+00:00",
    machine="a machine",
    source="a test",
    recorder_second={"web": 0.004, "postgres": 0.001},
    recording={"worker": 0.6, "web": 0.12},
    recorded_second={"worker": 0.001},
    agent_second={"web": 0.002},
    chunk_bytes=62_500,
    redis_recorder_bytes=1 << 20,
    web_mib=200,
    worker_mib=200,
    ffmpeg_mib=100,
)


def test_what_runs_out_first_bounds_it() -> None:
    size = Size({"web": 2, "worker": 1, "postgres": 1})
    found = estimate(COSTS, size, Use(recording_s=120, busy=0.5))
    # web: 1 / (0.004 + 0.12 / 120); worker: 0.5 / (0.6 / 120 + 0.001); postgres: 0.5 / 0.001
    assert [(one.name, round(one.recorders)) for one in found.bounds] == [
        ("worker processors", 83),
        ("web processors", 200),
        ("postgres processors", 500),
    ]
    assert (found.recorders, found.bound_by) == (83, "worker processors")
    assert found.recordings_per_hour == int(0.5 / 0.006 * 30)


def test_agents_and_whatever_runs_beside_take_their_share() -> None:
    use = Use(recording_s=120, busy=1.0)
    alone = estimate(COSTS, Size({"web": 1}), use).recorders
    assert estimate(COSTS, Size({"web": 1}), Use(120, agents=250, busy=1.0)).recorders == alone // 2
    shared = estimate(COSTS, Size(shared=1.2), use)
    assert (shared.bound_by, shared.recorders) == ("processors", int(1.2 / 0.012))
    assert estimate(COSTS, Size(shared=1.2), Use(120, busy=1.0, beside=0.012)).recorders == 50


def test_bandwidth_and_memory_bound_it_too() -> None:
    use = Use(busy=1.0)
    assert estimate(COSTS, Size(s3_mbit=15), use).bound_by == "S3 bandwidth"
    assert estimate(COSTS, Size(s3_mbit=15), use).recorders == 10  # 0.5 Mbit/s, three times
    # A web process, a worker and its two ffmpegs, and what is left for recorders in Redis.
    roomy = estimate(COSTS, Size({"web": 1, "worker": 1}, memory_mib=650), use)
    assert (roomy.bound_by, roomy.recorders) == ("memory", 50)
    assert estimate(COSTS, Size({"web": 1}, memory_mib=100), use).recorders == 0


def test_a_cell_without_bounds_is_no_question() -> None:
    with pytest.raises(ValueError, match="without bounds"):
        estimate(COSTS, Size(), Use())


def test_the_costs_that_come_with_it_are_whole_and_say_where_they_are_from() -> None:
    costs = read(BUNDLED)
    assert costs.at and costs.machine and costs.source
    assert estimate(costs, Size(shared=2), Use()).recorders > 10


def test_a_ramp_holds_what_came_before_it_broke_for_good() -> None:
    good, slow, late = Slot(10, 1.0, 20), Slot(40, 1.0, 400), Slot(50, 0.5, 20)
    assert held([good, Slot(20, 1.0, 90), slow, Slot(30, 1.0, 100), slow, late]) == 30
    assert held([good, slow, good]) is None
    assert held([slow, slow]) == 0


def test_a_slot_counts_who_records_and_whether_their_footage_keeps_pace() -> None:
    entries = [
        {"recording": "a", "said": "begun", "at": 100.0},
        {"recording": "a", "said": "finished", "at": 110.0},
        {"recording": "b", "said": "begun", "at": 105.0},
    ]
    samples = [Sample(100.0 + second, "s3: piece", "s3", 1.0, 60_000, "") for second in range(10)]
    samples.append(Sample(104.0, "customer: grant", "eu-1", 30.0, 0, ""))
    first, second = slots(samples, entries, 20.0)
    assert (first.recorders, round(first.pace, 2), first.p95_ms) == (1.5, 0.67, 30.0)
    assert (second.recorders, second.pace) == (1.0, 0.0)
