"""Metadata from an address that an admin names: whatever it is, we go to public addresses alone and read little.

Whom a name leads to is decided once, by the resolver that the connection itself uses, so that no second answer of a
name server can lead elsewhere than the one that was looked at.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from contracts.signing_in import LARGEST_METADATA, MetadataRefused
from kit.localhost import LOOPBACK, is_local_name

WITHIN_S = 10.0  # for everything, redirects included; the cell waits 15
MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # leads to the IPv4 address in its last 32 bits

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Resolver(Protocol):
    """Whoever knows the addresses of a name."""

    async def addresses(self, host: str) -> Sequence[str]:
        """Its addresses. Raises OSError."""
        ...


class System:
    """This machine's own resolver; `.localhost` is this machine."""

    async def addresses(self, host: str) -> Sequence[str]:
        """As `Resolver` says."""
        if is_local_name(host):
            return [LOOPBACK]
        resolver = ThreadedResolver()
        return [found["host"] for found in await resolver.resolve(host, 0, socket.AF_UNSPEC)]


class Fetching:
    """Fetches documents. `local_too` is for development: private addresses and plain http may then be read."""

    def __init__(self, resolver: Resolver, *, local_too: bool = False) -> None:
        self._resolver = resolver
        self._local_too = local_too

    async def get(self, url: str) -> bytes:
        """The document at an address. Raises MetadataRefused with words for the admin."""
        connector = aiohttp.TCPConnector(resolver=_Checked(self._resolver, self._allows), use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=WITHIN_S)
        try:
            # Nothing is unpacked: what comes compressed was not asked for, and may be a bomb.
            async with aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as http:
                for _ in range(MOST_REDIRECTS + 1):
                    body, onward = await self._once(http, url)
                    if onward is None:
                        return body
                    url = onward
        except _Private:
            raise MetadataRefused(
                f"{_host(url)} is not an address on the public Internet. Paste the document itself."
            ) from None
        except TimeoutError:
            raise MetadataRefused(f"{_host(url)} does not answer within {WITHIN_S:g} seconds.") from None
        except aiohttp.ClientSSLError:
            raise MetadataRefused(f"{_host(url)} has no certificate that can be trusted.") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise MetadataRefused(f"{_host(url)} cannot be reached. Check the address.") from None
        raise MetadataRefused(f"The address leads on more than {MOST_REDIRECTS} times. Use the one at its end.")

    async def _once(self, http: aiohttp.ClientSession, url: str) -> tuple[bytes, str | None]:
        """The document, or where it leads on to."""
        self._check(url)
        headers = {"Accept-Encoding": "identity", "User-Agent": "Cellcast"}
        async with http.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in _REDIRECTS and "Location" in answer.headers:
                return b"", urljoin(url, answer.headers["Location"])
            if answer.status != _OK:
                raise MetadataRefused(f"{_host(url)} answers with status {answer.status} instead of a document.")
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise MetadataRefused(f"{_host(url)} answers in a compressed form that was not asked for.")
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > LARGEST_METADATA:
                    raise MetadataRefused(
                        f"The document is larger than {LARGEST_METADATA // 1024} kB. Use the metadata of the one "
                        "application instead of that of a whole federation."
                    )
            return bytes(body), None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.username or parts.password:
            raise MetadataRefused("This is not an address of the form https://host/path.")
        if parts.scheme != "https" and not (self._local_too and parts.scheme == "http"):
            raise MetadataRefused("The address has to begin with https://.")
        literal = _address(parts.hostname)
        if literal is not None and not self._allows(literal):  # such a one is never asked of a resolver
            raise _Private

    def _allows(self, address: IpAddress) -> bool:
        return self._local_too or is_public(address)


class _Private(Exception):
    """A name leads to an address that is not public."""


class _Checked(AbstractResolver):
    """What a connection asks for addresses: it gets those that may be connected to, or none at all."""

    def __init__(self, resolver: Resolver, allows: Callable[[IpAddress], bool]) -> None:
        self._resolver = resolver
        self._allows = allows

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [_address(one) for one in await self._resolver.addresses(host)]
        known = [one for one in found if one is not None]
        if not known:
            raise OSError(f"no address of {host}")
        if not all(self._allows(one) for one in known):
            raise _Private
        return [
            ResolveResult(
                hostname=host,
                host=str(one),
                port=port,
                family=socket.AF_INET6 if one.version == 6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in known
        ]

    async def close(self) -> None:
        pass


def is_public(address: IpAddress) -> bool:
    """An address of the public Internet, and none that stands for another one."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _address(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "The address")[:253]
    except ValueError:
        return "The address"
