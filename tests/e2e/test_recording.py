"""The main job, region by region."""

from pathlib import Path

import pytest

from tests.deployment import Deployment
from tests.e2e import journey
from tests.e2e.browsers import Visits

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.mark.parametrize("region", ["eu", "us"])
async def test_a_customer_records_and_the_agent_watches(
    region: str, visits: Visits, deployment: Deployment, tmp_path: Path
) -> None:
    await journey.whole(region, visits, deployment, tmp_path)
