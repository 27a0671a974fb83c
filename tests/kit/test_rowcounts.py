"""What workers count in shared memory comes out as metrics of them together."""

import pytest
from prometheus_client import CollectorRegistry

from kit import metrics
from kit.rowcounts import Counted, Times, counter
from kit.workers import Rows


def test_counters_and_times_are_sums_of_all_workers() -> None:
    led = counter("cellcast_test_led", "Requests of a test", {"led": 1}, "outcome")
    times = Times("cellcast_test_led_seconds", "Times of a test", 2, (0.001, 0.1))
    rows = Rows(2)
    registry = CollectorRegistry()
    registry.register(Counted(rows, (led, times)))
    for row, milliseconds in ((rows.rows[0], 0.5), (rows.rows[0], 1), (rows.rows[1], 50), (rows.rows[1], 500)):
        row[1] += 1
        times.took(row, int(milliseconds * 1e6))

    def bucket(le: str) -> float | None:
        return registry.get_sample_value("cellcast_test_led_seconds_bucket", {"le": le})

    assert registry.get_sample_value("cellcast_test_led_total", {"outcome": "led"}) == 4
    assert [bucket(le) for le in ("0.001", "0.1", "+Inf")] == [2, 3, 4]
    assert registry.get_sample_value("cellcast_test_led_seconds_sum") == pytest.approx(0.5515)
    for name in ("cellcast_test_led", "cellcast_test_led_seconds"):
        with pytest.raises(ValueError, match=name):
            metrics.declare(name, "counter", (), "again")
        del metrics._declared[name]
