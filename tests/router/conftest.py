"""The router over a small world, asked without a server."""

import pytest

from kit.i18n import Catalogs
from kit.signing import SigningKey
from router.door import Door
from router.map import build
from router.pages import HERE, Pages
from tests.router.world import GO, Asker, behind, make_snapshot


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages(Catalogs([HERE / "locale"]), "/static/pages-style.TEST.css")


@pytest.fixture
def ask(pages: Pages) -> Asker:
    asker = Asker(build(make_snapshot(), GO))
    asker.door = Door(asker, pages, behind)
    return asker


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return SigningKey.new()
