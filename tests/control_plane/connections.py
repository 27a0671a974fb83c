"""Connections as a cell would set them."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contracts.identity import Certificate, Connection
from contracts.placements import Placement


def connection_for(at: Placement, **changes: object) -> Connection:
    """A connection of this workspace."""
    usual: dict[str, object] = {
        "workspace_id": str(at.workspace_id),
        "vendor": "okta",
        "sp_entity_id": f"https://provisioning-eu.example/saml/{at.key}",
        "idp_entity_id": "https://idp.example/metadata",
        "sso_url": "https://idp.example/sso",
        "certificates": [certificate("idp")],
    }
    return Connection.model_validate_json(json.dumps({**usual, **changes}))


@cache
def certificate(name: str) -> dict[str, object]:
    """A certificate of an identity provider, as it stands in a record."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    written: dict[str, object] = json.loads(Certificate.of(made.public_bytes(Encoding.DER)).model_dump_json())
    return written
