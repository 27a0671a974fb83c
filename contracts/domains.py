"""The domains of e-mail addresses, and the keyed hashes by which the front door finds the one workspace of a domain.

Whoever sees the registry or a feed must not read customers' domains there, so they hold HMAC-SHA256 of a domain under
a key that cells and routers share and the control plane does not have. Record kind `domain`, by that hash: the keys of
the workspaces that have verified the domain.
"""

import hashlib
import hmac
import re
from collections.abc import Collection
from typing import Annotated, Final

from pydantic import BeforeValidator, SecretBytes

from contracts.keys import is_key
from kit import mailboxes

DOMAINS: Final = "domain"  # the kind of these records in feeds
KEY_BYTES: Final = 32
MOST_WORKSPACES: Final = 20  # that share one domain; the front door leads on only where it is one
LONGEST: Final = 253  # RFC 1035 section 2.3.4
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN: Final = rf"^(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])$"  # no look-around: pydantic's have none
DIGEST: Final = r"^[0-9a-f]{64}$"

_DOMAIN = re.compile(DOMAIN)


class DomainRefused(ValueError):
    """No domain that mail can go to."""


def _read_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = bytes.fromhex(value)
    except ValueError:
        key = b""
    if value and len(key) != KEY_BYTES:
        raise ValueError(f"{KEY_BYTES * 2} hex digits")
    return key or None


# The key as a setting names it: hex digits; an empty text is none, and then no domain leads anywhere.
DomainKey = Annotated[SecretBytes | None, BeforeValidator(_read_key)]


def normalised(text: str) -> str:
    """A domain as it is compared and stored: lower case, A-labels (IDNA). Raises DomainRefused."""
    bare = text.strip().lower().rstrip(".")
    try:
        domain = bare.encode("ascii").decode() if bare.isascii() else bare.encode("idna").decode()
    except UnicodeError:
        raise DomainRefused("not a domain") from None
    if len(domain) > LONGEST or not _DOMAIN.fullmatch(domain):
        raise DomainRefused("not a domain")
    return domain


def of_address(email: str) -> str:
    """The domain of an e-mail address. Raises DomainRefused."""
    domain = mailboxes.domain_of(email.strip())
    if domain is None:
        raise DomainRefused("not an e-mail address")
    return normalised(domain)


def within(email: str, domains: Collection[str]) -> bool:
    """Whether it is an e-mail address in one of these normalised domains."""
    try:
        return of_address(email) in domains
    except DomainRefused:
        return False


def digest(key: bytes, domain: str) -> str:
    """The keyed hash of a normalised domain: 64 hex digits."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key of domains has {KEY_BYTES} bytes")
    return hmac.new(key, b"cellcast domain 1\0" + domain.encode(), hashlib.sha256).hexdigest()


def domain_record(keys: list[str]) -> list[object]:
    """The record of a domain: the keys of its workspaces, in order."""
    return [*sorted(keys)]


def workspaces_of(key: str, record: object) -> tuple[str, ...]:
    """Read a domain's record. Raises ValueError."""
    if re.fullmatch("[0-9a-f]{64}", key) and isinstance(record, list) and 0 < len(record) <= MOST_WORKSPACES:
        keys = tuple(one for one in record if isinstance(one, str) and is_key(one))
        if len(keys) == len(record):
            return keys
    raise ValueError(f"domain {key[:8]}: not the keys of workspaces")
