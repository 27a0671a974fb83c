"""A stack of one cell that tests may break, with short patience, and the browsers that look at it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stack import detached
from stack.folder import Folder
from tests.deployment import Deployment, take_up
from tests.e2e.browsers import Browsers, Visits, browsers, chromium

__all__ = ["browsers", "chromium"]

# A tab that is silent for 4 s is taken for gone, and a worker's job is somebody else's after 6 s.
PATIENCE = {"STALLED_AFTER_S": 4, "FOLLOW_EVERY_S": 1, "JOB_LEASE_S": 6}


@pytest.fixture(scope="module")  # an idle stack takes its share of two cores: it ends with the file
def fragile() -> Iterator[Deployment]:
    folder = Path(tempfile.mkdtemp(prefix="cellcast-"))
    shortened = [word for name, seconds in PATIENCE.items() for word in ("--set", f"eu-1:{name}={seconds}")]
    try:
        yield take_up(folder, "--cells", "eu-1", *shortened)
    finally:
        detached.down(Folder(folder))
        Folder(folder).reset()
        shutil.rmtree(folder)


@pytest.fixture
async def visits(browsers: Browsers, fragile: Deployment) -> AsyncIterator[Visits]:
    made = Visits(browsers, fragile.description)
    made.tolerate("Failed to load resource")  # things are down here
    yield made
    await made.close()
    assert not made.faults, "\n".join(made.faults)
