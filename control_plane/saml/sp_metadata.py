"""Our side as an identity provider reads it: names, addresses and certificates, as facts or as SAML metadata.

Every certificate of ours is in it for both uses: the one that signs now, and those that will or did, so that keys
change without anybody's sign-in failing.
"""

from collections.abc import Sequence

from cryptography import x509

from contracts.identity import Connection, NameIdFormat
from contracts.signing_in import Facts, OurCertificate
from control_plane.saml import signatures
from control_plane.saml.keys import KeyPair
from control_plane.saml.requests import HTTP_POST
from control_plane.saml.xml import DS, MD, SAMLP, Element, document, made


class Site:
    """The addresses of a region's provisioning, by workspace."""

    def __init__(self, url: str) -> None:
        self._url = url

    def go(self, key: str, handle: str) -> str:
        """Where a sign-in's browser is sent first."""
        return f"{self._url}/saml/{key}/go/{handle}"

    def acs(self, key: str) -> str:
        """Where identity providers post their answers."""
        return f"{self._url}/saml/{key}/acs"

    def metadata(self, key: str) -> str:
        """Where they read about us."""
        return f"{self._url}/saml/{key}/metadata"

    def entity_id(self, key: str, connection: Connection | None) -> str:
        """What we are called: the address of our metadata, unless the connection says otherwise."""
        return self.metadata(key) if connection is None else connection.sp_entity_id


def facts(site: Site, key: str, connection: Connection | None, keys: Sequence[KeyPair]) -> Facts:
    """What an admin enters by hand."""
    return Facts(
        entity_id=site.entity_id(key, connection),
        acs_url=site.acs(key),
        metadata_url=site.metadata(key),
        certificates=tuple(
            OurCertificate(
                pem=one.certificate_pem,
                not_after=x509.load_pem_x509_certificate(one.certificate_pem.encode()).not_valid_after_utc,
            )
            for one in keys
        ),
    )


def metadata(site: Site, key: str, connection: Connection | None, keys: Sequence[KeyPair], *, signed: bool) -> bytes:
    """The document for a workspace; `signed` for providers that want it so."""
    descriptor = made(
        MD,
        "SPSSODescriptor",
        {
            "AuthnRequestsSigned": "true" if connection is None or connection.sign_requests else "false",
            "WantAssertionsSigned": "true",
            "protocolSupportEnumeration": SAMLP,
        },
        *(_key(one, use) for use in ("signing", "encryption") for one in keys),
        *(made(MD, "NameIDFormat", None, one.urn) for one in _formats(connection)),
        made(
            MD,
            "AssertionConsumerService",
            {"Binding": HTTP_POST, "Location": site.acs(key), "index": "0", "isDefault": "true"},
        ),
    )
    attributes = {"entityID": site.entity_id(key, connection), "ID": "_metadata"}
    root = made(MD, "EntityDescriptor", attributes, descriptor)
    if signed:
        signatures.sign(root, keys[0])
    return document(root)


def _formats(connection: Connection | None) -> Sequence[NameIdFormat]:
    chosen = connection is not None and connection.name_id_format is not NameIdFormat.UNSPECIFIED
    return [connection.name_id_format] if connection is not None and chosen else list(NameIdFormat)


def _key(pair: KeyPair, use: str) -> Element:
    lines = pair.certificate_pem.strip().splitlines()[1:-1]
    certificate = made(DS, "X509Certificate", None, "".join(lines))
    info = made(DS, "KeyInfo", None, made(DS, "X509Data", None, certificate))
    return made(MD, "KeyDescriptor", {"use": use}, info)
