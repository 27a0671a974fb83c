"""The one door for XML signatures and encryption: libxmlsec in this process (PyPI `xmlsec`), with keys of ours alone.

What stands in a document's KeyInfo is never a key: verifying takes one pinned certificate, decrypting our own keys.
"""

from collections.abc import Iterable
from copy import deepcopy

import xmlsec
from xmlsec import constants

from control_plane.saml.keys import KeyPair
from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.xml import DS, SAML, XENC, Element, child, children, everywhere, tag

_XENC11 = "http://www.w3.org/2009/xmlenc11#"
# CBC has no integrity of its own; the assertion inside is signed, and people are told the same for every failure.
CIPHERS = frozenset(
    {f"{_XENC11}aes{bits}-gcm" for bits in (128, 192, 256)} | {f"{XENC}aes{bits}-cbc" for bits in (128, 192, 256)}
)
# RSA 1.5 is missing: it leaks the key to whoever may ask often enough (Bleichenbacher).
KEY_TRANSPORTS = frozenset({f"{XENC}rsa-oaep-mgf1p", f"{_XENC11}rsa-oaep"})


class VerifyingKey:
    """A pinned certificate's key."""

    def __init__(self, pem: str) -> None:
        self._key = xmlsec.Key.from_memory(pem, constants.KeyDataFormatCertPem)

    def verifies(self, signed: Element) -> bool:
        """Whether the signature of `signed`, whose form has been checked, is of this key and over this element."""
        signature = child(signed, DS, "Signature")
        if signature is None:
            return False
        context = xmlsec.SignatureContext()
        context.key = self._key
        context.set_enabled_key_data([])  # nothing in the document is a key
        context.register_id(signed, "ID", None)
        try:
            context.verify(signature)
        except xmlsec.Error:
            return False
        return True


def decrypt(response: Element, keys: Iterable[KeyPair]) -> Element:
    """A copy of the response, in which the assertion stands inside what held it encrypted. Raises Refused.

    The caller looks at the result as at a document that has just arrived.
    """
    _check_algorithms(response)
    for key in keys:
        copy = deepcopy(response)
        data = _data_of(copy)
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_memory(key.key_pem, constants.KeyDataFormatPem))
        try:
            xmlsec.EncryptionContext(manager).decrypt(data)
        except xmlsec.Error:
            continue
        return copy
    raise Refused(Reason.DECRYPTION)


def sign(element: Element, key: KeyPair) -> None:
    """Sign an element in place, enveloped, behind its issuer (RSA-SHA256, exclusive canonicalisation)."""
    signature = xmlsec.template.create(element, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    reference = xmlsec.template.add_reference(signature, constants.TransformSha256, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    issuer = child(element, SAML, "Issuer")
    element.insert(0 if issuer is None else element.index(issuer) + 1, signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.key_pem, constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(key.certificate_pem, constants.KeyDataFormatCertPem)
    context.register_id(element, "ID", None)
    context.sign(signature)


def _data_of(response: Element) -> Element:
    """The encrypted data, with its key where libxmlsec looks for it: some providers put it beside (SAML core, 6.2)."""
    data = everywhere(response, XENC, "EncryptedData")[0]
    holder = data.getparent()
    beside = [] if holder is None else children(holder, XENC, "EncryptedKey")
    if beside:
        info = child(data, DS, "KeyInfo")
        if info is not None:
            data.remove(info)
        info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
        info.append(beside[0])
    return data


def _check_algorithms(response: Element) -> None:
    keys = everywhere(response, XENC, "EncryptedKey")
    if len(keys) != 1:
        raise Refused(Reason.DECRYPTION, f"{len(keys)} keys")
    data = everywhere(response, XENC, "EncryptedData")[0]
    for part, allowed in ((data, CIPHERS), (keys[0], KEY_TRANSPORTS)):
        method = child(part, XENC, "EncryptionMethod")
        if method is None or method.get("Algorithm") not in allowed:
            raise Refused(Reason.ENCRYPTION_ALGORITHM)
    if data.find(f".//{tag(XENC, 'CipherReference')}") is not None:
        raise Refused(Reason.DECRYPTION, "a reference instead of data")
