"""Whose request it is, and to whom."""

from ipaddress import ip_network
from typing import Any

import pytest

from kit.addresses import Addresses, Hosts


def scope(peer: str, *forwarded: str) -> Any:
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded]}


PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "whose"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("fd00::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["nonsense"], ""),
        ("10.0.0.1", [", ".join(["1.2.3.4"] * 500) + ", 203.0.113.9"], "203.0.113.9"),
    ],
)
def test_only_our_proxies_are_believed(peer: str, forwarded: list[str], whose: str) -> None:
    assert Addresses(PROXIES).of(scope(peer, *forwarded)) == whose


def test_without_proxies_nobody_is_believed() -> None:
    addresses = Addresses([])
    assert addresses.of(scope("192.0.2.1", "203.0.113.9")) == "192.0.2.1"
    assert addresses.of(scope("2001:db8::1")) == addresses.of(scope("2001:db8::2")) == "2001:db8::/64"
    assert addresses.of({"client": None, "headers": []}) == ""  # type: ignore[typeddict-item]  # all it looks at
    assert not addresses.trusts("192.0.2.1")


def test_hosts_are_known_by_name_at_any_port() -> None:
    hosts = Hosts(["go.example", "old.example"])
    for good in (b"go.example", b"GO.example:443", b"old.example:8000", b"127.0.0.1:1", b"[::1]:80", b"localhost"):
        assert hosts.has(good), good
    bad = (b"", b":", b"go.example.", b"go.example:", b"go.example:123456", b"xgo.example", b"go.example:80:80", b"::1")
    for host in bad:
        assert not hosts.has(host), host
    for port in range(1000):
        assert hosts.has(f"go.example:{port}".encode())
    assert len(hosts._seen) <= 100
