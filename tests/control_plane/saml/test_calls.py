"""What cells may ask of provisioning: signed calls over sockets, from the workspace's own cell and from nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest

from contracts.operations import TABLE
from contracts.peers import Peer, PeerKind, Peers, peer_record
from contracts.signing_in import (
    DOMAIN_CHECK,
    SAML_BEGIN,
    SAML_FACTS,
    SAML_METADATA,
    Begin,
    DomainToCheck,
    Metadata,
    MetadataRefused,
    NameServersSilent,
    OfKey,
    SsoOff,
)
from control_plane.provisioning.app import in_front_of
from kit import serve
from kit.calls import Calls
from kit.calls.refusals import SenderNotAllowed
from kit.ports import free_port
from kit.refusals import Kind, NotFound, Refusal
from kit.signing import SigningKey
from tests.control_plane.saml.region import Region
from tests.control_plane.saml.test_idp_metadata import entity, key, service
from tests.kit.calls.echo import listens
from tests.waiting import eventually


@dataclass
class Cells:
    """The two cells of the region as callers of its provisioning."""

    eu_1: Calls
    eu_2: Calls


PROVISIONING = "provisioning-eu"


@pytest.fixture(scope="module")
async def cells(opened_region: Region) -> AsyncIterator[Cells]:
    async with _answering(opened_region) as port:
        keys = {name: SigningKey.new() for name in ("eu-1", "eu-2")}
        for name, one in keys.items():
            peer = Peer(name, PeerKind.CELL, "eu", "http://eu-1.localhost:8101", (one.public_text(),))
            opened_region.records["peer"][name] = peer_record(peer)
        opened_region.told()
        ours = opened_region.provisioning.settings.signing_key.public_text()
        known = Peers([Peer(PROVISIONING, PeerKind.PROVISIONING, "eu", f"http://127.0.0.1:{port}", (ours,))])
        async with Calls("eu-1", keys["eu-1"], known) as eu_1, Calls("eu-2", keys["eu-2"], known) as eu_2:
            yield Cells(eu_1, eu_2)


@asynccontextmanager
async def _answering(region: Region) -> AsyncIterator[int]:
    port, stop = free_port(), asyncio.Event()
    app = in_front_of(region.app, region.provisioning)
    task = asyncio.create_task(serve.serve(app, f"127.0.0.1:{port}", stop=stop))
    await eventually(lambda: listens(port), 5)
    yield port
    stop.set()
    await task


def test_everything_that_is_provisionings_is_answered(region: Region) -> None:
    wanted = {name for name, rule in TABLE.items() if rule.receiver is PeerKind.PROVISIONING}
    assert region.provisioning.answers.operations == wanted


async def test_the_workspaces_cell_begins_a_sign_in(region: Region, cells: Cells) -> None:
    workspace = region.workspace()
    begin = Begin(workspace_id=workspace.id, key=workspace.key, nonce="0" * 64)
    begun = await cells.eu_1.call(PROVISIONING, SAML_BEGIN, begin)
    assert begun.url.startswith(f"http://provisioning-eu.localhost/saml/{workspace.key}/go/")
    with pytest.raises(Refusal) as refused:
        await cells.eu_2.call(PROVISIONING, SAML_BEGIN, begin)
    assert refused.value.slug == SenderNotAllowed().slug
    off = region.workspace(enabled=False)
    with pytest.raises(SsoOff):
        await cells.eu_1.call(PROVISIONING, SAML_BEGIN, Begin(workspace_id=off.id, key=off.key, nonce="0" * 64))


async def test_a_workspace_that_moved_is_its_new_cells(region: Region, cells: Cells) -> None:
    workspace = region.workspace()
    record = region.records["workspace"][workspace.key]
    region.records["workspace"][workspace.key] = [record[0], "eu-2", 2, *record[3:]]
    region.told()
    asked = OfKey(workspace_id=workspace.id, key=workspace.key)
    assert (await cells.eu_2.call(PROVISIONING, SAML_FACTS, asked)).acs_url == workspace.acs
    with pytest.raises(Refusal) as refused:
        await cells.eu_1.call(PROVISIONING, SAML_FACTS, asked)
    assert refused.value.kind is Kind.FORBIDDEN


async def test_facts_are_of_the_workspace_that_asks(region: Region, cells: Cells) -> None:
    mine, other = region.workspace(), region.workspace()
    facts = await cells.eu_1.call(PROVISIONING, SAML_FACTS, OfKey(workspace_id=mine.id, key=mine.key))
    assert facts.acs_url == mine.acs and len(facts.certificates) == 2
    with pytest.raises(NotFound):
        await cells.eu_1.call(PROVISIONING, SAML_FACTS, OfKey(workspace_id=mine.id, key=other.key))
    with pytest.raises(Refusal) as refused:
        await cells.eu_1.call(PROVISIONING, SAML_FACTS, OfKey(workspace_id=uuid4(), key=mine.key))
    assert refused.value.kind is Kind.FORBIDDEN


async def test_metadata_that_was_pasted(region: Region, cells: Cells) -> None:
    workspace = region.workspace()
    pasted = Metadata(workspace_id=workspace.id, document=entity(key(), service()))
    assert (await cells.eu_1.call(PROVISIONING, SAML_METADATA, pasted)).sso_url == "https://idp.example/sso"
    with pytest.raises(MetadataRefused) as refused:
        await cells.eu_1.call(PROVISIONING, SAML_METADATA, Metadata(workspace_id=workspace.id, document="<a/>"))
    assert "no SAML 2.0 metadata" in refused.value.detail


@pytest.mark.parametrize("url", ["https://127.0.0.1/m", "http://idp.example/m", "https://169.254.169.254/latest"])
async def test_metadata_at_an_address_that_is_not_for_us(region: Region, cells: Cells, url: str) -> None:
    workspace = region.workspace()
    with pytest.raises(MetadataRefused):
        await cells.eu_1.call(PROVISIONING, SAML_METADATA, Metadata(workspace_id=workspace.id, url=url))


async def test_a_domain_is_checked(region: Region, cells: Cells) -> None:
    """At the name server of the setting, which here is a port that nobody answers."""
    asked = DomainToCheck(workspace_id=region.workspace().id, domain="customer.example", token="a" * 32)
    with pytest.raises(NameServersSilent):
        await cells.eu_1.call(PROVISIONING, DOMAIN_CHECK, asked)
