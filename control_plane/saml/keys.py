"""Our own key pairs: the first signs requests, each decrypts, and metadata names all, so that keys change with overlap.

To change: put a new pair behind the first and give providers time to fetch our metadata; then put it first; then drop
the old one. A pair is two PEM blocks; the file has them one behind another and is a secret of the region.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_BLOCK = re.compile(
    r"-----BEGIN (?P<what>(?:RSA )?PRIVATE KEY|CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END (?P=what)-----"
)
LIFE = timedelta(days=3 * 365)
BITS = 3072


class KeysRefused(ValueError):
    """A file of keys that cannot be used. The text says why, and nothing of a key."""


@dataclass(frozen=True)
class KeyPair:
    """A private key and the certificate under which providers know it, in PEM."""

    key_pem: str = field(repr=False)
    certificate_pem: str

    @classmethod
    def new(cls, name: str, now: datetime | None = None) -> "KeyPair":
        """A fresh pair; the certificate is signed by itself, since providers pin it."""
        begins = now or datetime.now(UTC)
        key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins - timedelta(days=1))
            .not_valid_after(begins + LIFE)
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())

    @property
    def certificate_der(self) -> bytes:
        """The certificate's bytes."""
        return x509.load_pem_x509_certificate(self.certificate_pem.encode()).public_bytes(serialization.Encoding.DER)

    def sign(self, message: bytes) -> bytes:
        """RSA-SHA256 (PKCS #1 1.5), as the redirect binding wants it."""
        return _private(self.key_pem).sign(message, padding.PKCS1v15(), hashes.SHA256())

    def to_text(self) -> str:
        """Both, as they stand in the file."""
        return self.key_pem + self.certificate_pem


def read_keys(text: str) -> tuple[KeyPair, ...]:
    """The pairs of a file, in order. Raises KeysRefused."""
    blocks = [(found["what"], found[0] + "\n") for found in _BLOCK.finditer(text)]
    if not blocks or len(blocks) % 2 or _BLOCK.sub("", text).strip():
        raise KeysRefused("not private keys in PEM, each with its certificate behind it")
    pairs = []
    for (what, key_pem), (whose, certificate_pem) in zip(blocks[::2], blocks[1::2], strict=True):
        if what == "CERTIFICATE" or whose != "CERTIFICATE":
            raise KeysRefused("a private key has to be followed by its certificate")
        pairs.append(_checked(KeyPair(key_pem, certificate_pem)))
    return tuple(pairs)


def write_keys(pairs: Sequence[KeyPair]) -> str:
    """What `read_keys` reads."""
    return "".join(pair.to_text() for pair in pairs)


def _checked(pair: KeyPair) -> KeyPair:
    try:
        mine = _private(pair.key_pem).public_key()
        theirs = x509.load_pem_x509_certificate(pair.certificate_pem.encode()).public_key()
    except (ValueError, TypeError):
        raise KeysRefused("a key or a certificate that cannot be read") from None
    if mine != theirs:
        raise KeysRefused("a certificate of another key than the one before it")
    return pair


@lru_cache(16)
def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)  # a tenth of a second: it proves that it is one
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 2048:
        raise KeysRefused("a key has to be RSA of 2,048 bits or more")
    return key
