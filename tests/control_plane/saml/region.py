"""A region's provisioning for tests: its feed's state, set by hand; a cell that is emulated; a browser; a provider."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

from quart import Quart

from contracts.feed_rules import Held
from contracts.feed_state import FeedState
from contracts.identity import SSO, Connection, connection_record
from contracts.keys import new_key
from contracts.peers import PEER, Peer, PeerKind, peer_record
from contracts.placements import CellAddress, Placement, State
from contracts.records import CELL, WORKSPACE, cell_record, placement_record
from contracts.said import Done
from contracts.signing_in import Attempt, Begin, Find, HandedOver, HandOver, Purpose, Report
from control_plane.provisioning import resources
from control_plane.provisioning.app import make_app
from control_plane.provisioning.settings import ProvisioningSettings
from control_plane.provisioning.workspaces import Keys
from kit.calls import Operation, PeerUnavailable
from kit.calls.operations import A, Q
from kit.refusals import Refusal
from kit.signing import SigningKey
from tests.cell.browser import Answer, Browser
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import Element, Says
from tests.control_plane.saml.world import connection, our_keys
from tests.waiting import eventually

HOST = "provisioning-eu.localhost"
URL = f"http://{HOST}"
CELL_URL = "http://eu-1.localhost:8101"
GO_URL = "http://go.localhost"
HTML = {"Accept": "text/html"}


@dataclass
class EmulatedCell:
    """What the cells of the region are told; it hands out codes, or refuses, or is away."""

    given: list[HandOver] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    finds: list[tuple[str, Find]] = field(default_factory=list)
    refuses: Refusal | None = None
    away: bool = False
    called: list[str] = field(default_factory=list)

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        """As `Calls` does."""
        self.called.append(peer)
        if self.away:
            raise PeerUnavailable
        return operation.answer.model_validate(self._answer(peer, request).model_dump())

    def _answer(self, peer: str, request: object) -> HandedOver | Done:
        match request:
            case HandOver():
                if self.refuses is not None:
                    raise self.refuses
                self.given.append(request)
                return HandedOver(code=secrets.token_hex(32))
            case Report():
                self.attempts.extend(request.attempts)
            case Find():
                self.finds.append((peer, request))
            case _:
                raise AssertionError(request)
        return Done()


@dataclass
class Workspace:
    """One workspace with its connection."""

    region: "Region"
    id: UUID
    key: str

    @property
    def acs(self) -> str:
        return f"{URL}/saml/{self.key}/acs"

    @property
    def sp(self) -> str:
        return f"{URL}/saml/{self.key}/metadata"

    async def begin(self, purpose: Purpose = Purpose.SIGN_IN, nonce: str | None = None) -> "SignInUnderWay":
        """The cell's word, then the browser's first step."""
        begin = Begin(workspace_id=self.id, key=self.key, nonce=nonce or secrets.token_hex(32), purpose=purpose)
        url = await self.region.provisioning.sign_in.begin(begin)
        browser = self.region.browser()
        answer = await browser.page(urlsplit(url).path)
        return SignInUnderWay(self, browser, begin.nonce, url, answer)

    def says(self, **changes: Any) -> Says:
        """What an identity provider says for it."""
        return Says(**{"sp": self.sp, "acs": self.acs, **changes})


@dataclass
class SignInUnderWay:
    """A browser at the identity provider."""

    of: Workspace
    browser: Browser
    nonce: str
    url: str
    answer: Answer

    @property
    def request_id(self) -> str:
        """The ID of our request, as the identity provider reads it."""
        return str(self.request.get("ID"))

    @property
    def request(self) -> Element:
        """Our request, from the redirect's address."""
        return idp.inflated(parse_qs(urlsplit(self.answer.headers["Location"]).query)["SAMLRequest"][0])

    async def finish(self, says: Says | None = None, **how: Any) -> Answer:
        """The identity provider answers as it should, or with what is said."""
        said = says or self.of.says(request_id=self.request_id)
        return await self.post(idp.text(idp.signed(said, **how)))

    async def post(self, answer: str, browser: Browser | None = None, **fields: str) -> Answer:
        return await post(browser or self.browser, self.of.key, answer, **fields)


async def post(browser: Browser, key: str, answer: str, **fields: str) -> Answer:
    """What the identity provider's page has the browser do."""
    body = urlencode({"SAMLResponse": answer, **fields})
    return await post_raw(browser, key, body.encode())


async def post_raw(browser: Browser, key: str, body: bytes, **headers: str) -> Answer:
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://idp.example", **HTML, **headers}
    return await browser.ask("POST", f"/saml/{key}/acs", headers={**sent, "Sec-Fetch-Site": "cross-site"}, data=body)


@dataclass
class Region:
    """Provisioning of `eu` with two cells, both emulated."""

    provisioning: resources.Provisioning
    app: Quart
    cell: EmulatedCell
    state: FeedState
    records: dict[str, dict[str, Any]]

    def browser(self) -> Browser:
        return Browser(self.app, HOST, {})

    def workspace(self, cell: str = "eu-1", key: str | None = None, **changes: Any) -> Workspace:
        """A workspace with a connection to the tests' identity provider; `enabled=None` leaves it without one."""
        made = Workspace(self, uuid4(), key or new_key())
        placement = Placement(made.id, made.key, cell, 1, State.ACTIVE, 1)
        self.records[WORKSPACE][made.key] = placement_record(placement)
        self.connect(made, **changes)
        return made

    def connect(self, made: Workspace, **changes: Any) -> Connection:
        """Give it another connection."""
        usual = {"workspace_id": made.id, "sp_entity_id": made.sp}
        found = connection(**{**usual, **changes})
        self.records[SSO][made.key] = connection_record(found)
        self.told()
        return found

    def told(self) -> None:
        """The state is what the records are."""
        held = Held("identity/eu", 1, 1, "", datetime.now(UTC))
        self.state._disk.store.replace(held, self.records)
        self.state._look()

    async def attempt(self, number: int = 1) -> Attempt:
        """The last of so many refused sign-ins, once the cell was told of them."""
        await eventually(lambda: len(self.cell.attempts) >= number, 5)
        return self.cell.attempts[number - 1]


@asynccontextmanager
async def opened(redis_url: str, folder: Path, **changes: Any) -> AsyncIterator[Region]:
    """A region until the block ends."""
    registry, ours = SigningKey.new(), SigningKey.new()
    settings = ProvisioningSettings.model_validate(
        {
            "region": "eu",
            "bind": "127.0.0.1:0",
            "url": URL,
            "go_url": GO_URL,
            "redis_url": redis_url,
            "signing_key": ours.to_text(),
            "registry_public_keys": registry.public_text(),
            "feed_url": "http://127.0.0.1:9",
            "feed_token": "none",
            "state_dir": folder,
            "saml_keys": [our_keys(0), our_keys(1)],
            "saml_answers_per_minute": 100_000,
            "name_server": "127.0.0.1:9",
            **changes,
        }
    )
    keys = Keys()
    state = FeedState("identity/eu", settings.feed, keys.kinds)
    peers = [
        Peer(name, PeerKind.CELL, region, f"http://{name}.localhost:8101", (SigningKey.new().public_text(),))
        for name, region in (("eu-1", "eu"), ("eu-2", "eu"))
    ]
    records: dict[str, dict[str, Any]] = {
        PEER: {one.name: peer_record(one) for one in peers},
        CELL: {one.name: cell_record(CellAddress(one.name, one.region, one.url)) for one in peers},
        WORKSPACE: {},
        SSO: {},
    }
    cell = EmulatedCell()
    try:
        async with resources.assembled(settings, state, keys, cell) as provisioning:
            made = Region(provisioning, make_app(provisioning), cell, state, records)
            made.told()
            await provisioning.judges.warm()
            yield made
    finally:
        state.close()
