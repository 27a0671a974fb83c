"""Limits: counted, shared, and gone after their window."""

from uuid import uuid4

import pytest

from kit.rates import Rates
from kit.refusals import TooManyRequests


@pytest.fixture
def rates(redis_url: str) -> Rates:
    return Rates(redis_url)


async def test_the_limit_is_kept_and_says_when_to_come_again(rates: Rates) -> None:
    key = str(uuid4())
    for _ in range(3):
        await rates.take("test", key, most=3, per_s=60)
    with pytest.raises(TooManyRequests) as refused:
        await rates.take("test", key, most=3, per_s=60)
    assert refused.value.retry_after_s == 60


async def test_looking_counts_nothing(rates: Rates) -> None:
    key = str(uuid4())
    for _ in range(5):
        await rates.check("test", key, most=1, per_s=60)
    await rates.take("test", key, most=1, per_s=60)
    with pytest.raises(TooManyRequests):
        await rates.check("test", key, most=1, per_s=60)


async def test_limits_are_shared_by_processes_and_not_by_keys_or_names(rates: Rates, redis_url: str) -> None:
    key = str(uuid4())
    await rates.take("test", key, most=1, per_s=60)
    with pytest.raises(TooManyRequests):
        await Rates(redis_url).take("test", key, most=1, per_s=60)
    await rates.take("test", str(uuid4()), most=1, per_s=60)
    await rates.take("other", key, most=1, per_s=60)
