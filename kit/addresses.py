"""Who asks, and whom they mean: client addresses behind proxies of ours, and names in Host headers."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from hypercorn.typing import HTTPScope

Network = IPv4Network | IPv6Network

_LONGEST_SAID = 256  # bytes of X-Forwarded-For, from its end, where our proxies write
_HOSTS_SEEN = 100


def counted(address: str) -> str:
    """An address as limits count it: IPv6 by its /64, which is one customer's."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(IPv6Network((int(found) >> 64 << 64, 64)))


class Addresses:
    """Whose request it is: the address that connected, or behind proxies of ours the one that they name."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._cached = lru_cache(4096)(self._whose)

    def exact(self, scope: HTTPScope) -> str:
        """The address itself, as lists of networks compare it; empty where it is none."""
        client = scope["client"]
        said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return self._client(client[0] if client else "", said[-_LONGEST_SAID:])

    def of(self, scope: HTTPScope) -> str:
        """The address as limits count it: IPv6 by its /64, which is one customer's."""
        client = scope["client"]
        peer = client[0] if client else ""
        if self._trusted:
            said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
            return self._cached(peer, said[-_LONGEST_SAID:])
        return self._cached(peer, b"") if ":" in peer else peer

    def trusts(self, peer: str) -> bool:
        """True for a proxy of ours: it speaks for many."""
        try:
            return any(ip_address(peer) in network for network in self._trusted)
        except ValueError:
            return False

    def _whose(self, peer: str, forwarded: bytes) -> str:
        return counted(self._client(peer, forwarded))

    def _client(self, peer: str, forwarded: bytes) -> str:
        hops = [hop.strip() for hop in forwarded.decode("latin-1").split(",") if hop.strip()]
        while self.trusts(peer) and hops:
            peer = hops.pop()  # each proxy appends who it heard from; what stands before is anybody's word
        try:
            address = ip_address(peer)
        except ValueError:
            return ""
        return str(getattr(address, "ipv4_mapped", None) or address)  # a socket for both names IPv4 as ::ffff:...


class Hosts:
    """Names that a server answers to, at any port: its own, and this machine's for whoever stands beside it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name.lower().encode() for name in (*names, "localhost", "127.0.0.1", "[::1]")}
        self._seen = set(self._names)  # with their ports, as they were sent

    def has(self, host: bytes) -> bool:
        """True for a Host header that is one of them."""
        if host in self._seen:
            return True
        name, colon, port = host.lower().rpartition(b":")
        known = colon == b":" and len(port) <= 5 and port.isdigit() and name in self._names
        known = known or host.lower() in self._names
        if known and len(self._seen) < _HOSTS_SEEN:
            self._seen.add(host)
        return known
