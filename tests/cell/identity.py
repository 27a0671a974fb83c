"""A cell that is in touch with provisioning and the registry, and an identity provider's word for it, all made up here.

Provisioning and the registry are one object that answers calls as they would. What the registry takes arrives in the
feed's store at once, unless it is told to be slow.
"""

import json
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pydantic import BaseModel

from cell.app import make_app
from cell.domains.models import Domain
from cell.jobs import TASKS
from cell.resources import Cell
from cell.sso import giving
from cell.sso.entering import cookie_name
from cell.sso.store import digest
from contracts.feed import Event, cell_audience
from contracts.feed_rules import Held
from contracts.feed_state import FeedState
from contracts.feed_store import Store
from contracts.identity import (
    SSO,
    Attributes,
    Binding,
    Certificate,
    Connection,
    connection_of,
    connection_record,
)
from contracts.peers import REGISTRY, Peer, PeerKind, Peers
from contracts.said import Done
from contracts.signing_in import (
    Answer,
    Begin,
    Begun,
    DomainChecked,
    DomainTaken,
    DomainToCheck,
    Facts,
    HandOver,
    IdpFacts,
    Metadata,
    OurCertificate,
    Purpose,
    SetDomains,
    SetSso,
)
from kit.calls import Operation, PeerUnavailable
from kit.refusals import Refusal
from kit.signing import SigningKey
from tests.cell.browser import PAGE, Browser
from tests.cell.browser import Answer as Page
from tests.cell.world import Workspace, World

IDP, SP = "https://idp.acme.example/entity", "https://provisioning-eu.example/saml/metadata"
PROVISIONING = "provisioning-eu"
DOMAIN_KEY = bytes(range(32))


def certificate(days: float = 700, name: str = "idp.acme.example") -> bytes:
    """A certificate of an identity provider, as DER."""
    key, moment = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=800))
        .not_valid_after(moment + timedelta(days=days))
    )
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def reference() -> str:
    """A reference as provisioning draws it."""
    return secrets.token_hex(5)


class Feed:
    """What the cell's web process hears of the registry."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path, "test 1", {SSO: _packed})
        self._n = 0
        key = SigningKey.new().public_text()
        self.peers = Peers(
            [Peer(PROVISIONING, PeerKind.PROVISIONING, "eu", "http://provisioning-eu.localhost", (key,))]
        )

    def record(self, kind: str, key: str) -> object:
        """As FeedState.record."""
        packed = self._store.get(kind, key)
        return None if packed is None else _unpacked(packed)

    def health(self) -> dict[str, object]:
        """For /readyz."""
        return {}

    def say(self, key: str, connection: Connection | None) -> None:
        """The registry's word about a connection arrives."""
        self._n += 1
        moment = datetime.now(UTC)
        record = None if connection is None else connection_record(connection)
        event = Event(self._n, moment, SSO, key, cast(Any, record))
        self._store.apply(Held(cell_audience("eu-1"), 1, self._n, "0" * 64, moment), [event])


def _packed(key: str, record: object) -> bytes:
    connection_of(key, record)
    return json.dumps(record).encode()


def _unpacked(packed: bytes) -> object:
    return json.loads(packed)


@dataclass
class Others:
    """Provisioning and the registry. `away` are those that do not answer; `slow`: what is set does not arrive."""

    feed: Feed
    keys: dict[UUID, str] = field(default_factory=dict)
    asked: list[tuple[str, str, BaseModel]] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    slow: bool = False
    found: DomainChecked | Refusal = field(default_factory=lambda: DomainChecked(found=True))
    taken: set[str] = field(default_factory=set)  # digests of domains that too many share
    metadata: IdpFacts | Refusal | None = None
    refuses: Refusal | None = None  # what the registry says to a connection

    async def call(self, peer: str, operation: Operation[Any, Any], request: BaseModel) -> Any:
        """As kit.calls.Calls.call."""
        if peer in self.away:
            raise PeerUnavailable
        self.asked.append((peer, operation.name, request))
        assert type(request) is operation.request
        answered: Callable[[Any], BaseModel] = getattr(self, f"_{operation.name.replace('.', '_')}")
        return answered(request)

    def last(self, operation: str) -> Any:
        """The last request of that name."""
        return next(request for _, name, request in reversed(self.asked) if name == operation)

    def count(self, operation: str) -> int:
        """How often it was called."""
        return sum(name == operation for _, name, _ in self.asked)

    def _saml_begin(self, said: Begin) -> BaseModel:
        return Begun(url=f"https://provisioning-eu.example/saml/{said.key}/go/{secrets.token_hex(8)}")

    def _saml_facts(self, said: BaseModel) -> BaseModel:
        ours = OurCertificate(pem="-----BEGIN CERTIFICATE-----\nours\n", not_after=datetime(2036, 1, 1, tzinfo=UTC))
        acs = "https://provisioning-eu.example/saml/acs"
        return Facts(entity_id=SP, acs_url=acs, metadata_url=SP, certificates=(ours,))

    def _saml_metadata(self, said: Metadata) -> BaseModel:
        if isinstance(self.metadata, Refusal):
            raise self.metadata
        return self.metadata or facts()

    def _domain_check(self, said: DomainToCheck) -> BaseModel:
        if isinstance(self.found, Refusal):
            raise self.found
        return self.found

    def _sso_set(self, said: SetSso) -> BaseModel:
        if self.refuses is not None:
            raise self.refuses
        if not self.slow:
            self.feed.say(self.keys[said.workspace_id], said.connection)
        return Done()

    def _domains_set(self, said: SetDomains) -> BaseModel:
        if self.taken & set(said.digests):
            raise DomainTaken
        return Done()


def facts(**changes: object) -> IdpFacts:
    """What metadata says."""
    usual: dict[str, object] = {
        "entity_id": IDP,
        "sso_url": "https://idp.acme.example/sso",
        "binding": Binding.REDIRECT,
        "certificates": (b64encode(certificate()).decode(),),
        "wants_signed_requests": False,
    }
    return IdpFacts.model_validate({**usual, **changes})


@dataclass(frozen=True)
class Office:
    """A workspace with an identity provider, the cell that it lives in, and who stands at the other ends."""

    world: World
    workspace: Workspace
    others: Others

    @property
    def cell(self) -> Cell:
        return self.world.cell

    @property
    def key(self) -> str:
        return self.workspace.key

    @property
    def base(self) -> str:
        return self.workspace.base

    def connect(self, **changes: object) -> Connection:
        """The connection that is in force from now on."""
        made = connection(self.workspace, **changes)
        self.others.feed.say(self.key, made)
        return made

    async def verify(self, *domains: str) -> None:
        """The workspace has proved these domains."""
        moment = datetime.now(UTC)
        async with self.cell.database.writing(self.workspace.id) as tx:
            tx.add(
                *(
                    Domain(
                        domain=one,
                        token="0" * 32,
                        added_by=self.workspace.admin.id,
                        added_at=moment,
                        seen=[],
                        verified_at=moment,
                    )
                    for one in domains
                )
            )

    async def begun(self, browser: Browser, onward: str = "") -> str:
        """Press the button; the nonce's digest, as provisioning hears it."""
        answer = await browser.post(f"{self.base}/sign-in/sso", form={"next": onward}, headers=PAGE)
        assert answer.status == 200, answer.text
        nonce: str = self.others.last("saml.begin").nonce
        assert nonce == digest(browser.cookies[cookie_name(nonce)])
        return nonce

    def said(self, nonce: str, name_id: str, **changes: object) -> HandOver:
        """What provisioning hands over."""
        usual: dict[str, object] = {
            "workspace_id": self.workspace.id,
            "reference": reference(),
            "nonce": nonce,
            "purpose": Purpose.SIGN_IN,
            "idp_entity_id": IDP,
            "name_id": name_id,
            "name_id_format": "",
            "answer": Answer(issuer=IDP, attributes=(("groups", ("Support",)),)),
        }
        return HandOver.model_validate({**usual, **changes})

    async def give(self, said: HandOver) -> str:
        """Provisioning hands over; the code."""
        return await giving.give(self.cell, said)

    async def complete(self, browser: Browser, code: str) -> Page:
        """The browser brings the code."""
        return await browser.page(f"{self.base}/sign-in/complete?code={code}")

    async def signs_in(self, browser: Browser, name_id: str, onward: str = "", **changes: object) -> Page:
        """The whole way."""
        code = await self.give(self.said(await self.begun(browser, onward), name_id, **changes))
        return await self.complete(browser, code)

    async def jobs(self) -> int:
        """Do what waits."""
        return await self.world.run_jobs(self.workspace, TASKS)


def connection(workspace: Workspace, **changes: object) -> Connection:
    """A connection of the workspace that is switched on."""
    usual: dict[str, object] = {
        "workspace_id": workspace.id,
        "sp_entity_id": SP,
        "idp_entity_id": IDP,
        "sso_url": "https://idp.acme.example/sso",
        "certificates": (Certificate.of(certificate()),),
        "attributes": Attributes(email="email", groups="groups"),
        "enabled": True,
    }
    return Connection(**cast(Any, {**usual, **changes}))


@pytest.fixture(scope="session")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Feed:
    return Feed(tmp_path_factory.mktemp("feed") / "state")


@pytest.fixture(scope="session")
def touched(world: World, feed: Feed) -> World:
    """The cell with peers: its calls are answered by whatever `others` of the test says."""
    settings = world.cell.settings.model_copy(update={"domain_key": _Secret(DOMAIN_KEY)})
    cell = replace(world.cell, settings=settings, feed=cast(FeedState, feed), calls=Others(feed))
    return World(cell, make_app(cell), world.password_hash)


class _Secret:
    """As pydantic's SecretBytes."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def get_secret_value(self) -> bytes:
        return self._value


@pytest.fixture
def others(touched: World) -> Others:
    """Provisioning and the registry, as they usually are."""
    made = cast(Others, touched.cell.calls)
    made.asked.clear()
    made.away.clear()
    made.taken.clear()
    made.slow, made.metadata, made.refuses = False, None, None
    made.found = DomainChecked(found=True)
    return made


@pytest.fixture
async def office(touched: World, others: Others) -> Office:
    """A workspace of this test's own, example.com verified, nothing connected."""
    workspace = await touched.found()
    others.keys[workspace.id] = workspace.key
    made = Office(touched, workspace, others)
    await made.verify("example.com")
    return made


__all__ = ["IDP", "PROVISIONING", "REGISTRY", "SP", "Feed", "Office", "Others", "certificate", "connection", "facts"]
