"""The router over a small world, asked without a server."""

import pytest

from kit.i18n import Catalogs
from kit.signing import SigningKey
from router.door import Door
from router.map import Map, build
from router.pages import HERE, Pages
from tests.router.world import GO, Asker, behind, make_snapshot


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages(Catalogs([HERE / "locale"]), "/static/pages-style.TEST.css")


@pytest.fixture
def ask(pages: Pages) -> Asker:
    asker: Asker

    def current() -> Map | None:
        return asker.current

    asker = Asker(Door(current, pages, behind), build(make_snapshot(), GO))
    return asker


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return SigningKey.new()
