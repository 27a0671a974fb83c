"""The stack's own authority, which speaks for `.localhost` alone, and the certificates that it gives."""

import hashlib
import ssl
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stack.files import write_private

_AUTHORITY_LIFE = timedelta(days=3650)  # whoever took it into a browser does that once
_LIFE = timedelta(days=90)  # a new one is made at each start
_BEFORE = timedelta(hours=1)  # clocks differ
_NAMES = "localhost"  # and every name below it (RFC 5280 section 4.2.1.10)


@dataclass(frozen=True)
class Certified:
    """A certificate with those above it, and its key, both as PEM."""

    chain: str
    key: str


class Authority:
    """The authority of a folder, made when it is first asked for; `certificate` is what others trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.certificate, self._key_file = folder / "ca.pem", folder / "ca.key"
        self.trusted = folder / "trusted.pem"  # for SSL_CERT_FILE: this authority beside those of the machine
        if not self.certificate.exists():
            self._make()
        key = load_pem_private_key(self._key_file.read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        self._key, self._own = key, x509.load_pem_x509_certificate(self.certificate.read_bytes())
        write_private(self.trusted, f"{_pem(self._own)}\n{_of_the_machine()}")

    @property
    def pin(self) -> str:
        """SHA-256 of its public key in base64, by which Chromium can be told to trust what it certified."""
        spki = self._own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(hashlib.sha256(spki).digest()).decode()

    def certify(self, host: str) -> Certified:
        """A new key and its certificate for one host."""
        key = generate_private_key(SECP256R1())
        made = (
            _begun(host, self._own.subject, key, _LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, SHA256())
        )
        return Certified(f"{_pem(made)}{_pem(self._own)}", _key_pem(key))

    def _make(self) -> None:
        key = generate_private_key(SECP256R1())
        name = "Cellcast on this machine"
        made = (
            _begun(name, _named(name), key, _AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.NameConstraints([x509.DNSName(_NAMES)], None), critical=True)
            .add_extension(_SIGNS, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )
        write_private(self._key_file, _key_pem(key))
        write_private(self.certificate, _pem(made))  # last: where it is, the key is too


def _of_the_machine() -> str:
    file = ssl.get_default_verify_paths().cafile
    return Path(file).read_text(encoding="utf-8") if file else ""


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _begun(name: str, issuer: x509.Name, key: EllipticCurvePrivateKey, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + life)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
