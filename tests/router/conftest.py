"""The router over a small world, asked without a server."""

import pytest

from kit.addresses import Addresses, Hosts
from kit.guesses import Guesses
from kit.i18n import Catalogs
from kit.signing import SigningKey
from kit.workers import Rows
from router.door import Door, Guards
from router.pages import HERE, Pages
from tests.router.world import FILES, GO, REGIONS, Asker, make_snapshot


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages(Catalogs([HERE / "locale"]), {"pages-style.css": "/static/pages-style.TEST.css"}, GO, REGIONS)


@pytest.fixture
def rows() -> Rows:
    return Rows(1)


@pytest.fixture
def guards() -> Guards:
    return Guards(Hosts(["go.localhost"]), Addresses([]), Guesses(1000))


@pytest.fixture
def ask(pages: Pages, rows: Rows, guards: Guards) -> Asker:
    asker = Asker(make_snapshot())
    asker.door = Door(asker, pages, FILES, guards, rows.rows[0])
    return asker


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return SigningKey.new()
