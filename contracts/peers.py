"""The processes of the deployment that call one another: name, kind, region, address, public keys.

They are records of the registry, told by feeds (record kind `peer`): to provisioning the cells of its region, to a
cell its region's provisioning. The registry itself is no record: everybody pins its keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from kit.calls import Party
from kit.refusals import Kind, Refusal
from kit.signing import PublicKeys

PEER = "peer"  # the kind of these records in feeds
REGISTRY = "control-plane"  # the name under which the registry calls and is called


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


class PeersUnknown(Refusal):
    """This process has not heard yet who its peers are, so nobody can be called a stranger."""

    kind = Kind.UNAVAILABLE
    title = "This part of Cellcast has just begun and knows nobody yet"
    detail = "Nothing is lost. Try again in a moment."
    retry_after_s = 1


class Peers:
    """The peers as they are known now; what calls look senders and receivers up in.

    `whole` is False where others may be there that have not been heard of yet.
    """

    def __init__(self, known: Iterable[Peer] = (), *, whole: bool = True) -> None:
        self._known: dict[str, Peer] = {}
        self._parties: dict[str, Party] = {}
        self.replace(known)
        self._whole = whole

    def replace(self, known: Iterable[Peer]) -> None:
        """Take these, who are all there are, instead of those known so far."""
        there = {one.name: one for one in known}
        if there != self._known:
            self._parties = {
                name: Party(name, one.url, PublicKeys.from_text(",".join(one.public_keys)))
                for name, one in there.items()
            }
            self._known = there
        self._whole = True

    def get(self, name: str) -> Peer | None:
        """The peer of that name. Raises PeersUnknown where there is no saying."""
        found = self._known.get(name)
        if found is None and not self._whole:
            raise PeersUnknown
        return found

    def find(self, name: str) -> Party | None:
        """The same, as calls need it."""
        return self._parties[name] if self.get(name) is not None else None

    def of(self, kind: PeerKind, region: str = "") -> list[Peer]:
        """The peers of a kind, by name; of one region if it is given."""
        found = [one for one in self._known.values() if one.kind is kind and region in ("", one.region)]
        return sorted(found, key=lambda one: one.name)


def registry_peer(url: str, public_keys: PublicKeys) -> Peer:
    """The registry, by its address and pinned keys. Raises ValueError for an address that is not scheme://host."""
    return Peer(REGISTRY, PeerKind.CONTROL_PLANE, "", url, public_keys.texts)


def peer_record(peer: Peer) -> list[object]:
    """The record of a peer in feeds; its key is the name."""
    return [peer.kind.value, peer.region, peer.url, *peer.public_keys]


def peer_of(name: str, record: object) -> Peer:
    """Read a peer's record. Raises ValueError."""
    match record:
        case [str() as kind, str() as region, str() as url, *keys] if keys and all(type(one) is str for one in keys):
            return Peer(name, PeerKind(kind), region, url, tuple(str(one) for one in keys))
    raise ValueError(f"peer {name}: {record!r}")
