"""Samples: written and read as they were, and percentiles by nearest rank."""

import math
from dataclasses import astuple
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from loadtest import samples
from loadtest.samples import Recorder, Sample, percentile

NUMBERS = st.floats(min_value=0, max_value=1e6, allow_nan=False)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    later, earlier = (
        Sample(2.5, "api: link", "eu-1", 3.25, 10, ""),
        Sample(1.0, "s3: piece", "s3", 1.5, 60, "answered 500"),
    )
    samples.write(tmp_path / "samples.csv", [astuple(later), astuple(earlier)])
    assert samples.read(tmp_path / "samples.csv") == [earlier, later]


def test_a_recorder_keeps_each_step_once() -> None:
    recorder = Recorder()
    recorder.heard(name="api: link", response_time=3.0, exception=None, context={"cell": "s3", "sent": 7, "of": "eu-1"})
    recorder.heard(name="api: link", response_time=4.0, exception=ValueError("answered 503"), context=None)
    first, second = recorder.taken()
    assert first[1:] == ("api: link", "s3", 3.0, 7, "", "eu-1")
    assert second[1:] == ("api: link", "", 4.0, 0, "answered 503", "")
    assert recorder.taken() == []


@given(st.lists(NUMBERS, min_size=1), st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_the_least_value_that_the_share_stays_within(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values) - 1e-9
    assert sum(one < found for one in values) < share * len(values) + 1e-9


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(percentile([], 0.95))
