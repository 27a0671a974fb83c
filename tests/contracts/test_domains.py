"""Domains: how they are compared, and what the registry may see of them."""

import pytest

from contracts import domains
from contracts.domains import DomainRefused

KEY = bytes(range(domains.KEY_BYTES))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Acme.Example", "acme.example"),
        (" acme.co.uk. ", "acme.co.uk"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("a-b.c.example", "a-b.c.example"),
    ],
)
def test_a_domain_has_one_form(typed: str, kept: str) -> None:
    assert domains.normalised(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "acme", "-a.example", "a-.example", "a..example", "1.2.3.4", "a.b/c", "a b.example", "a" * 64 + ".example"],
)
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(DomainRefused):
        domains.normalised(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "acme.example",
        "@acme.example",
        "ada@",
        "ada@acme",
        "ada@other.example,bob@acme.example",
        "ada@other.example;bob@acme.example",
        "<ada@other.example> bob@acme.example",
        "ada@other.example@acme.example",
        '"ada" <ada@other.example>,"bob"@acme.example',
    ],
)
def test_what_is_no_address_has_none(typed: str) -> None:
    with pytest.raises(DomainRefused):
        domains.of_address(typed)


def test_the_last_at_sign_counts() -> None:
    assert domains.of_address('"ada@other.example"@Acme.Example') == "acme.example"


def test_a_hash_needs_the_key_and_shows_nothing() -> None:
    one = domains.digest(KEY, "acme.example")
    assert one != domains.digest(bytes(32), "acme.example")
    assert one == domains.digest(KEY, "acme.example") != domains.digest(KEY, "acme2.example")
    with pytest.raises(ValueError, match="32 bytes"):
        domains.digest(b"short", "acme.example")


def test_a_record_is_read_as_it_was_written() -> None:
    digest = domains.digest(KEY, "acme.example")
    assert domains.workspaces_of(digest, domains.domain_record(["k3456789", "k2345678"])) == ("k2345678", "k3456789")
    for wrong in ([], ["not a key"], "k2345678", ["k2345678"] * 21, None):
        with pytest.raises(ValueError, match="domain"):
            domains.workspaces_of(digest, wrong)
