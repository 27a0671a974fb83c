"""The table of who may call what: every operation, called by every sort of sender, over real connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError
from quart import Quart

from contracts import operations as under_test
from contracts.directory import Applied, Apply, Create, Found, Get, Item, Note
from contracts.directory import Find as Search
from contracts.directory_schema import Resource
from contracts.identity import Binding
from contracts.operations import Home, May
from contracts.peers import Peer, PeerKind, Peers
from contracts.placements import State
from contracts.placing import (
    Beat,
    CreateWorkspace,
    Existing,
    FirstAdmin,
    Owned,
    Placed,
    PlacedList,
    Reserve,
    SetOwnership,
    Unfinished,
)
from contracts.said import Done, OfWorkspace
from contracts.signing_in import (
    Attempt,
    Begin,
    Begun,
    DomainChecked,
    DomainToCheck,
    Facts,
    Find,
    HandedOver,
    HandOver,
    IdpFacts,
    Metadata,
    OfKey,
    Purpose,
    Report,
    SetDomains,
    SetSso,
)
from kit import serve
from kit.calls import Answers, Caller, Calls
from kit.calls.refusals import SenderNotAllowed, SenderUnknown
from kit.ports import free_port
from kit.refusals import Refusal
from kit.signing import SigningKey
from tests.kit.calls.echo import Memory, listens
from tests.waiting import eventually

WORKSPACE = uuid4()  # lives on eu-1
ABOUT = OfWorkspace(workspace_id=WORKSPACE)
PLACED = Placed(workspace_id=WORKSPACE, key="k2345678", cell="eu-1", epoch=1, state=State.ACTIVE, version=2)
FACTS = Facts(entity_id="https://sp.example", acs_url="https://sp.example/acs", metadata_url="", certificates=())
IDP = IdpFacts(
    entity_id="https://idp.example",
    sso_url="https://idp.example/sso",
    binding=Binding.REDIRECT,
    certificates=("",),
    wants_signed_requests=False,
)
ATTEMPT = Attempt(
    reference="0123456789", at=datetime(2026, 1, 1, tzinfo=UTC), purpose=None, reason="signature", hint="Look."
)
ITEM = Item(id=WORKSPACE, version=1, document={"display_name": "Support"})
ADMIN = FirstAdmin(email="ada@example.com", name="Ada", password="correct horse battery")

SENDERS = {
    "eu-1": (PeerKind.CELL, "eu"),
    "eu-2": (PeerKind.CELL, "eu"),
    "us-1": (PeerKind.CELL, "us"),
    "provisioning-eu": (PeerKind.PROVISIONING, "eu"),
    "provisioning-us": (PeerKind.PROVISIONING, "us"),
    "control-plane": (PeerKind.CONTROL_PLANE, ""),
    "router": (PeerKind.ROUTER, ""),
}
STRANGER = "stranger"

# operation -> receiver, what is asked, what is answered, who may: written out, so that the table cannot judge itself.
CASES: dict[str, tuple[str, BaseModel, BaseModel, set[str]]] = {
    "workspace.create": (
        "eu-1",
        CreateWorkspace(workspace_id=WORKSPACE, key="k2345678", name="Acme", admin=ADMIN),
        Done(),
        {"provisioning-eu"},
    ),
    "workspace.exists": ("eu-1", ABOUT, Existing(exists=True), {"provisioning-eu"}),
    "workspace.undo": ("eu-1", ABOUT, Done(), {"provisioning-eu"}),
    "ownership.set": (
        "eu-1",
        SetOwnership(workspace_id=WORKSPACE, epoch=1, version=2, state=State.FROZEN),
        Owned(epoch=1, version=2, state=State.FROZEN),
        {"control-plane"},
    ),
    "placement.reserve": (
        "control-plane",
        Reserve(region="eu", request_key="a-request-key-of-ours"),
        PLACED,
        {"provisioning-eu"},
    ),
    "placement.activate": ("control-plane", ABOUT, PLACED, {"provisioning-eu"}),
    "placement.abandon": ("control-plane", ABOUT, PLACED, {"provisioning-eu"}),
    "placement.unfinished": (
        "control-plane",
        Unfinished(region="us", older_than_s=60),
        PlacedList(placements=[PLACED]),
        {"provisioning-us"},
    ),
    "placement.delete": ("control-plane", ABOUT, PLACED, {"eu-1"}),
    "placement.erased": ("control-plane", ABOUT, PLACED, {"eu-1"}),
    "cell.beat": ("control-plane", Beat(cell="eu-2", load=1.0, growth=0.0), Done(), {"eu-2"}),
    "saml.begin": (
        "provisioning-eu",
        Begin(workspace_id=WORKSPACE, key="k2345678", nonce="0" * 64),
        Begun(url="https://provisioning-eu.example/saml/go/1"),
        {"eu-1"},
    ),
    "saml.facts": ("provisioning-eu", OfKey(workspace_id=WORKSPACE, key="k2345678"), FACTS, {"eu-1"}),
    "saml.metadata": ("provisioning-eu", Metadata(workspace_id=WORKSPACE, document="<a/>"), IDP, {"eu-1"}),
    "domain.check": (
        "provisioning-eu",
        DomainToCheck(workspace_id=WORKSPACE, domain="acme.example", token="0" * 32),
        DomainChecked(found=True),
        {"eu-1"},
    ),
    "identity.give": (
        "eu-1",
        HandOver(
            workspace_id=WORKSPACE,
            reference="0123456789",
            nonce="0" * 64,
            purpose=Purpose.SIGN_IN,
            idp_entity_id="https://idp.example",
            name_id="ada@acme.example",
            name_id_format="",
        ),
        HandedOver(code="0" * 64),
        {"provisioning-eu"},
    ),
    "identity.report": ("eu-1", Report(workspace_id=WORKSPACE, attempts=(ATTEMPT,)), Done(), {"provisioning-eu"}),
    "people.find": ("eu-1", Find(email="ada@acme.example", address="0"), Done(), {"provisioning-eu"}),
    "directory.apply": (
        "eu-1",
        Apply(
            workspace_id=WORKSPACE,
            credential="0" * 64,
            request_id="0" * 32,
            change=Create(resource=Resource.GROUP, document={"display_name": "Support"}),
        ),
        Applied(item=ITEM, changed=True),
        {"provisioning-eu"},
    ),
    "directory.find": (
        "eu-1",
        Search(workspace_id=WORKSPACE, credential="0" * 64, resource=Resource.GROUP, tree=["pr", ["display_name"]]),
        Found(total=1, items=[ITEM]),
        {"provisioning-eu"},
    ),
    "directory.get": (
        "eu-1",
        Get(workspace_id=WORKSPACE, credential="0" * 64, resource=Resource.GROUP, id=WORKSPACE),
        ITEM,
        {"provisioning-eu"},
    ),
    "directory.note": (
        "eu-1",
        Note(workspace_id=WORKSPACE, credential="0" * 64, asked="GET /Users", reason="invalidFilter"),
        Done(),
        {"provisioning-eu"},
    ),
    "sso.set": ("control-plane", SetSso(workspace_id=WORKSPACE, connection=None), Done(), {"eu-1"}),
    "domains.set": ("control-plane", SetDomains(workspace_id=WORKSPACE, digests=("0" * 64,)), Done(), {"eu-1"}),
}


class Registry:
    """Knows where the one workspace lives."""

    async def home(self, workspace_id: UUID) -> Home | None:
        return Home("eu", "eu-1") if workspace_id == WORKSPACE else None


@dataclass
class Processes:
    """A cell, the control plane and provisioning, all answering, and the keys of every sender."""

    keys: dict[str, SigningKey]
    peers: Peers

    def calls(self, sender: str) -> Calls:
        return Calls(sender, self.keys[sender], self.peers)


@pytest.fixture(scope="module")
async def processes() -> AsyncIterator[Processes]:
    keys = {name: SigningKey.new() for name in (*SENDERS, STRANGER)}
    ports = {name: free_port() for name in ("eu-1", "control-plane", "provisioning-eu")}
    peers = Peers(
        Peer(name, kind, region, _url(name, ports), (keys[name].public_text(),))
        for name, (kind, region) in SENDERS.items()
    )
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(
            serve.serve(_answers(name, keys[name], peers).in_front_of(Quart(name)), f"127.0.0.1:{port}", stop=stop)
        )
        for name, port in ports.items()
    ]
    await eventually(lambda: all(map(listens, ports.values())), 5)
    yield Processes(keys, peers)
    stop.set()
    await asyncio.gather(*tasks)


def _url(name: str, ports: dict[str, int]) -> str:
    return f"http://{name}.localhost:{ports[name]}" if name in ports else ""


def _answers(name: str, key: SigningKey, peers: Peers) -> Answers:
    kind, region = SENDERS[name]
    may = May(peers, kind=kind, region=region, homes=None if kind is PeerKind.CELL else Registry())
    answers = Answers(name, key, peers, Memory(), may)
    for rule in under_test.TABLE.values():  # all of them everywhere: only the table stands in the way
        answers.to(rule.operation)(_saying(CASES[rule.operation.name][2]))
    return answers


def _saying(answer: BaseModel) -> Any:
    async def handler(by: Caller, request: BaseModel) -> BaseModel:
        return answer

    return handler


async def _outcome(processes: Processes, sender: str, receiver: str, operation: str) -> type[Refusal] | None:
    async with processes.calls(sender) as calls:
        try:
            given = under_test.TABLE[operation].operation
            assert await calls.call(receiver, given, CASES[operation][1]) == CASES[operation][2]
        except Refusal as refusal:
            named = {one().slug: one for one in (SenderNotAllowed, SenderUnknown)}
            return named[refusal.slug]
    return None


def test_every_operation_is_tried() -> None:
    assert CASES.keys() == under_test.TABLE.keys()


@pytest.mark.parametrize("operation", CASES)
async def test_exactly_those_of_the_table_may_call(processes: Processes, operation: str) -> None:
    receiver, _, _, allowed = CASES[operation]
    got = {sender: await _outcome(processes, sender, receiver, operation) for sender in (*SENDERS, STRANGER)}
    expected: dict[str, type[Refusal] | None] = dict.fromkeys(SENDERS, SenderNotAllowed)
    assert got == expected | dict.fromkeys(allowed, None) | {STRANGER: SenderUnknown}


@pytest.mark.parametrize("operation", CASES)
async def test_what_another_kind_of_process_answers_is_answered_to_nobody(processes: Processes, operation: str) -> None:
    receiver, _, _, allowed = CASES[operation]
    other = "control-plane" if receiver == "eu-1" else "eu-1"
    for sender in allowed:
        assert await _outcome(processes, sender, other, operation) is SenderNotAllowed


async def test_a_workspace_that_nobody_knows_is_changed_by_nobody(processes: Processes) -> None:
    may = May(processes.peers, kind=PeerKind.CONTROL_PLANE, region="", homes=Registry())
    for operation in ("placement.activate", "placement.abandon", "placement.delete"):
        for sender in SENDERS:
            with pytest.raises(SenderNotAllowed):
                await may(sender, operation, OfWorkspace(workspace_id=uuid4()))


async def test_an_operation_outside_the_table_is_allowed_to_nobody(processes: Processes) -> None:
    may = May(processes.peers, kind=PeerKind.CELL, region="eu")
    with pytest.raises(SenderNotAllowed):
        await may("control-plane", "workspace.steal", ABOUT)


@pytest.mark.parametrize(
    "said", ['"load": 1e999, "growth": 0', '"load": 0, "growth": NaN', '"load": 0, "growth": 1e308']
)
def test_a_heartbeat_has_numbers_that_can_be_scored(said: str) -> None:
    """One such number would end every sign-up of the region."""
    with pytest.raises(ValidationError):
        Beat.model_validate_json(f'{{"cell": "eu-1", {said}}}')


def test_a_password_is_not_shown_by_repr() -> None:
    assert "correct horse" not in repr(CASES["workspace.create"][1])
