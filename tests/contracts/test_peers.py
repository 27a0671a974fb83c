"""The registry of peers and its signed file."""

from pathlib import Path

import pytest

from contracts.peers import (
    Peer,
    PeerKind,
    Peers,
    PeersFile,
    PeersRefused,
    peer_of,
    peer_record,
    read_peers,
    write_peers,
)
from kit.signing import PublicKeys, SigningKey

KEY = SigningKey.new().public_text()
CELL = Peer("eu-1", PeerKind.CELL, "eu", "http://eu-1.localhost:8001", (KEY,))
GLOBAL = Peer("control-plane", PeerKind.CONTROL_PLANE, "", "http://control-plane.localhost:8002", (KEY, KEY))


@pytest.fixture
def signing() -> SigningKey:
    return SigningKey.new()


@pytest.fixture
def keys(signing: SigningKey) -> PublicKeys:
    return PublicKeys([signing.public])


@pytest.fixture
def path(tmp_path: Path, signing: SigningKey) -> Path:
    write_peers(tmp_path / "peers", [CELL, GLOBAL], signing)
    return tmp_path / "peers"


def test_what_is_written_is_read(path: Path, keys: PublicKeys) -> None:
    assert read_peers(path, keys) == [CELL, GLOBAL]


@pytest.mark.parametrize("peer", [CELL, GLOBAL])
def test_a_record_says_all_of_a_peer(peer: Peer) -> None:
    assert peer_of(peer.name, peer_record(peer)) == peer


@pytest.mark.parametrize(
    "record", [None, {}, [], ["cell", "eu", "http://x"], ["cell", "eu", "x", "no key"], ["?", "", "", KEY]]
)
def test_what_is_no_record_is_refused(record: object) -> None:
    with pytest.raises(ValueError):
        peer_of("eu-1", record)


@pytest.mark.parametrize("at", [0, 20, 100, 200, -1])
def test_any_changed_byte_is_refused(path: Path, keys: PublicKeys, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)
    with pytest.raises(PeersRefused):
        read_peers(path, keys)


def test_a_cut_off_file_and_a_missing_one_are_refused(path: Path, keys: PublicKeys) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PeersRefused, match="changed, cut off"):
        read_peers(path, keys)
    with pytest.raises(PeersRefused, match="cannot be read"):
        read_peers(path.with_name("none"), keys)


def test_another_key_does_not_count(path: Path) -> None:
    with pytest.raises(PeersRefused, match="unknown key"):
        read_peers(path, PublicKeys([SigningKey.new().public]))


def test_a_new_file_is_seen_and_a_bad_one_changes_nothing(path: Path, keys: PublicKeys, signing: SigningKey) -> None:
    peers = PeersFile(path, keys)
    assert peers.get("eu-1") == CELL and peers.get("us-1") is None
    other = Peer("us-1", PeerKind.CELL, "us", "http://us-1.localhost:8003", (KEY,))
    write_peers(path, [CELL, other], signing)
    assert peers.get("us-1") == other and peers.get("control-plane") is None
    path.write_bytes(b"rubbish")
    assert peers.get("us-1") == other
    path.unlink()
    assert peers.of(PeerKind.CELL) == [CELL, other] and peers.of(PeerKind.CELL, "us") == [other]


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
