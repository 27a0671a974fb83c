"""The processes of the deployment that call one another: name, kind, region, address, public keys; and a signed file.

The registry tells of them by feeds (record kind `peer`); the file is for before the first feed, and is signed alike.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from kit import logs
from kit.calls import Party
from kit.signing import SIGNATURE_BYTES, PublicKeys, SignatureRefused, SigningKey

PEER = "peer"  # the kind of these records in feeds

_MAGIC = "cellcast-peers-1"
_TAG = "peers 1"
_LARGEST = 4 * 1024 * 1024  # bytes of the file; a peer takes about 150

log = logs.get("peers")


class PeerKind(StrEnum):
    """What sort of process it is; the table of operations speaks of these."""

    CELL = "cell"
    PROVISIONING = "provisioning"
    CONTROL_PLANE = "control-plane"
    ROUTER = "router"


@dataclass(frozen=True)
class Peer:
    """A process, or several with one name. `region` is empty for the global part; `url` for one that is not called."""

    name: str
    kind: PeerKind
    region: str
    url: str
    public_keys: tuple[str, ...]  # base64 of raw Ed25519 keys; two while one is being changed

    def __post_init__(self) -> None:
        """Raise ValueError for what is no peer: a wrong one is refused where it is made or read."""
        PublicKeys.from_text(",".join(self.public_keys))
        parts = urlsplit(self.url)
        if self.url and (parts.scheme not in {"http", "https"} or self.url != f"{parts.scheme}://{parts.netloc}"):
            raise ValueError(f"peer {self.name}: its url is not scheme://host")
        if (self.kind in {PeerKind.CELL, PeerKind.PROVISIONING}) is not bool(self.region):
            raise ValueError(f"peer {self.name}: a {self.kind} in region {self.region!r}")


class PeersRefused(Exception):
    """The file of peers cannot be used. The text says why."""


class Peers:
    """The peers as they are known now; what calls look senders and receivers up in."""

    def __init__(self, known: Iterable[Peer] = ()) -> None:
        self._known: dict[str, Peer] = {}
        self._parties: dict[str, Party] = {}
        self.replace(known)

    def replace(self, known: Iterable[Peer]) -> None:
        """Take these instead of those known so far."""
        there = {one.name: one for one in known}
        self._parties = {
            name: Party(name, one.url, PublicKeys.from_text(",".join(one.public_keys))) for name, one in there.items()
        }
        self._known = there

    def get(self, name: str) -> Peer | None:
        """The peer of that name."""
        return self._known.get(name)

    def find(self, name: str) -> Party | None:
        """The same, as calls need it."""
        return self._parties.get(name)

    def of(self, kind: PeerKind, region: str = "") -> list[Peer]:
        """The peers of a kind, by name; of one region if it is given."""
        found = [one for one in self._known.values() if one.kind is kind and region in ("", one.region)]
        return sorted(found, key=lambda one: one.name)


class PeersFile(Peers):
    """Peers from the signed file at `path`, looked at again whenever it changed. A bad one changes nothing."""

    def __init__(self, path: Path, public_keys: PublicKeys) -> None:
        """Raises PeersRefused where the file cannot be used at the start."""
        self._path = path
        self._public_keys = public_keys
        self._seen = _stamp(path)
        super().__init__(read_peers(path, public_keys))

    def get(self, name: str) -> Peer | None:
        """The peer of that name, as the file says now."""
        self._look()
        return super().get(name)

    def find(self, name: str) -> Party | None:
        """The same, as calls need it."""
        self._look()
        return super().find(name)

    def of(self, kind: PeerKind, region: str = "") -> list[Peer]:
        """The peers of a kind, as the file says now."""
        self._look()
        return super().of(kind, region)

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.replace(read_peers(self._path, self._public_keys))
        except PeersRefused as refused:
            log.error("the file of peers is of no use: the last good one stays", reason=str(refused))


def peer_record(peer: Peer) -> list[object]:
    """The record of a peer in feeds and in the file; its key is the name."""
    return [peer.kind.value, peer.region, peer.url, *peer.public_keys]


def peer_of(name: str, record: object) -> Peer:
    """Read a peer's record. Raises ValueError."""
    match record:
        case [str() as kind, str() as region, str() as url, *keys] if keys and all(type(one) is str for one in keys):
            return Peer(name, PeerKind(kind), region, url, tuple(str(one) for one in keys))
    raise ValueError(f"peer {name}: {record!r}")


def write_peers(path: Path, peers: Sequence[Peer], signing_key: SigningKey) -> None:
    """Write the file, signed and whole: a crash leaves the old one or the new one."""
    body = json.dumps({one.name: peer_record(one) for one in peers}, separators=(",", ":")).encode()
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    with unfinished.open("wb") as file:
        file.write(f"{_MAGIC} {signing_key.id} {signing_key.sign(_TAG, body).hex()}\n".encode() + body)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_peers(path: Path, public_keys: PublicKeys) -> list[Peer]:
    """Read and verify the file. Raises PeersRefused; nothing is parsed before its signature holds."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise PeersRefused(f"{path.name}: cannot be read: {error.strerror}") from error
    first, _, body = raw.partition(b"\n")
    try:
        magic, by, signature = first.decode("ascii").split(" ")
        if magic != _MAGIC or len(raw) > _LARGEST or len(signature) != 2 * SIGNATURE_BYTES:
            raise ValueError
        public_keys.verify(_TAG, body, bytes.fromhex(signature), by)
    except SignatureRefused as refused:
        raise PeersRefused(f"{path.name}: {refused}: changed, cut off, or not ours") from refused
    except ValueError:
        raise PeersRefused(f"{path.name}: not a file of peers") from None
    try:
        return [peer_of(name, record) for name, record in json.loads(body).items()]
    except (ValueError, AttributeError) as error:
        raise PeersRefused(f"{path.name}: signed, but not of this format: {error}") from error


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
