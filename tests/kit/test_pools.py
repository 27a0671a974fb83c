"""Pools are counted while they live; whoever waits in vain is counted too."""

import gc

import pytest
from prometheus_client import REGISTRY

from kit import pools


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


class _Owner:
    def __init__(self, used: int) -> None:
        self.used = used

    def counts(self) -> pools.Counts:
        return pools.Counts(self.used, 1, 10)


def test_pools_of_one_name_are_one_and_go_with_their_owners() -> None:
    one, other = _Owner(2), _Owner(3)
    for owner in (one, other):
        pools.watch(owner, "test", _Owner.counts)
    assert [sample("cellcast_pool_connections", pool="test", state=state) for state in ("used", "idle", "most")] == [
        5,
        2,
        20,
    ]
    del other, owner
    gc.collect()
    assert sample("cellcast_pool_connections", pool="test", state="used") == 2


def test_waiting_is_measured_and_failures_are_counted() -> None:
    pool = pools.Pool("test-wait")
    with pool.getting(OSError):
        pass
    with pytest.raises(OSError), pool.getting(OSError):
        raise OSError
    assert sample("cellcast_pool_wait_seconds_count", pool="test-wait") == 1
    assert sample("cellcast_pool_failures_total", pool="test-wait") == 1
