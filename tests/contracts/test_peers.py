"""The registry of peers and its signed file."""

import pytest

from contracts.peers import REGISTRY, Peer, PeerKind, Peers, PeersUnknown, peer_of, peer_record, registry_peer
from kit.signing import PublicKeys, SigningKey

KEY = SigningKey.new().public_text()
CELL = Peer("eu-1", PeerKind.CELL, "eu", "http://eu-1.localhost:8001", (KEY,))
GLOBAL = Peer("control-plane", PeerKind.CONTROL_PLANE, "", "http://control-plane.localhost:8002", (KEY, KEY))


@pytest.mark.parametrize("peer", [CELL, GLOBAL])
def test_a_record_says_all_of_a_peer(peer: Peer) -> None:
    assert peer_of(peer.name, peer_record(peer)) == peer


@pytest.mark.parametrize(
    "record", [None, {}, [], ["cell", "eu", "http://x"], ["cell", "eu", "x", "no key"], ["?", "", "", KEY]]
)
def test_what_is_no_record_is_refused(record: object) -> None:
    with pytest.raises(ValueError):
        peer_of("eu-1", record)


def test_a_party_has_the_address_and_all_keys() -> None:
    peers = Peers([CELL, Peer("router", PeerKind.ROUTER, "", "", (KEY, SigningKey.new().public_text()))])
    cell, router = peers.find("eu-1"), peers.find("router")
    assert cell is not None and cell.url == CELL.url and len(cell.keys.ids) == 1
    assert router is not None and not router.url and len(router.keys.ids) == 2
    assert peers.find("nobody") is None


@pytest.mark.parametrize(
    ("kind", "region", "url"),
    [
        (PeerKind.CELL, "", ""),
        (PeerKind.ROUTER, "eu", ""),
        (PeerKind.CELL, "eu", "http://x/path"),
        (PeerKind.CELL, "eu", "x"),
    ],
)
def test_what_is_no_peer_is_refused_where_it_is_made(kind: PeerKind, region: str, url: str) -> None:
    with pytest.raises(ValueError, match="peer name"):
        Peer("name", kind, region, url, (KEY,))


def test_before_the_first_word_nobody_is_a_stranger() -> None:
    peers = Peers([GLOBAL], whole=False)
    assert peers.get("control-plane") == GLOBAL
    for ask in (peers.get, peers.find):
        with pytest.raises(PeersUnknown):
            ask("eu-1")
    peers.replace([GLOBAL, CELL])
    assert peers.get("eu-1") == CELL and peers.get("eu-2") is None
    peers.replace([GLOBAL])
    assert peers.find("eu-1") is None


def test_the_registry_is_known_by_its_pinned_keys() -> None:
    keys = [SigningKey.new(), SigningKey.new()]
    peer = registry_peer("http://control-plane.localhost:8002", PublicKeys(key.public for key in keys))
    assert (peer.name, peer.kind, peer.region) == (REGISTRY, PeerKind.CONTROL_PLANE, "")
    assert sorted(peer.public_keys) == sorted(key.public_text() for key in keys)
    with pytest.raises(ValueError, match="scheme://host"):
        registry_peer("http://control-plane.localhost/path", PublicKeys([keys[0].public]))
