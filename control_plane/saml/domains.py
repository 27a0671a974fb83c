"""Whether a domain's owner agrees: a TXT record with our token, looked up by the region's provisioning."""

from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver

from contracts.signing_in import DomainChecked, NameServersSilent

WITHIN_S = 6.0  # of a look-up with its repetitions; the cell waits 10
MOST_SEEN = 10
LONGEST_SEEN = 300


class Resolver(Protocol):
    """Whoever knows the texts of a name."""

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, none where it does not exist. Raises NameServersSilent."""
        ...


class Dns:
    """The name servers of this machine, or one that a setting names (host:port)."""

    def __init__(self, server: str = "") -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not server)
        if server:
            host, _, port = server.rpartition(":")
            self._resolver.nameservers = [host.strip("[]")]
            self._resolver.port = int(port)
        self._resolver.cache = None  # an admin who has just entered the record asks again at once
        self._resolver.lifetime = WITHIN_S

    async def texts(self, name: str) -> list[str]:
        """As `Resolver` says."""
        try:
            found = await self._resolver.resolve(f"{name}.", "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError):
            raise NameServersSilent from None
        # A record longer than 255 bytes comes in pieces that belong together (RFC 7208, 3.3).
        return [b"".join(one.strings).decode("utf-8", "replace") for one in found]


class Domains:
    """Proves domains."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def check(self, domain: str, token: str) -> DomainChecked:
        """Whether the domain's record holds the token. Raises NameServersSilent."""
        wanted = f"cellcast-verification={token}"
        seen = await self._resolver.texts(f"_cellcast.{domain}")
        if any(one.strip() == wanted for one in seen):
            return DomainChecked(found=True)
        shown = tuple(one[:LONGEST_SEEN] for one in sorted(seen)[:MOST_SEEN])
        return DomainChecked(found=False, seen=shown)
