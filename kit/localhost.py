"""Names under `.localhost` are this machine (RFC 6761 section 6.3): browsers know it, Python does not."""

import socket
import ssl
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit, urlunsplit

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

LOOPBACK = "127.0.0.1"


def is_local_name(host: str) -> bool:
    """True for `localhost` and every name below it."""
    return host == "localhost" or host.endswith(".localhost")


def to_loopback(url: str) -> tuple[str, str]:
    """The URL with a `.localhost` host replaced by 127.0.0.1, and the Host header to send with it.

    Other URLs come back as they are, with their own host.
    """
    parts = urlsplit(url)
    if not parts.hostname or not is_local_name(parts.hostname):
        return url, parts.netloc
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{LOOPBACK}{port}")), parts.netloc


class _Resolver(AbstractResolver):
    """Answers for `.localhost` by itself and asks the system for the rest."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not is_local_name(host):
            return await self._system.resolve(host, port, family)
        found = ResolveResult(
            hostname=host,
            host=LOOPBACK,
            port=port,
            family=socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )
        return [found]

    async def close(self) -> None:
        await self._system.close()


class _Plain(HTTPConnection):
    def connect(self) -> None:
        at = LOOPBACK if is_local_name(self.host) else self.host
        self.sock = socket.create_connection((at, self.port), self.timeout)


class _Tls(HTTPSConnection, _Plain):
    def connect(self) -> None:
        _Plain.connect(self)
        self.sock = trusted().wrap_socket(self.sock, server_hostname=self.host)


def connection(url: str, timeout_s: float) -> HTTPConnection:
    """For programs that wait: a connection to a URL's host that finds `.localhost` names; it is opened when used."""
    parts = urlsplit(url)
    return (_Tls if parts.scheme == "https" else _Plain)(parts.netloc, timeout=timeout_s)


@cache
def trusted() -> ssl.SSLContext:
    """Whom connectors trust: the machine's authorities, or those of SSL_CERT_FILE at its first use.

    Into it a program that attaches to a stack with edges loads that stack's own.
    """
    return ssl.create_default_context()


def connector(limit: int = 100) -> TCPConnector:
    """A connector for aiohttp that finds `.localhost` names; at most `limit` connections at once."""
    return TCPConnector(resolver=_Resolver(), limit=limit, ssl=trusted())
