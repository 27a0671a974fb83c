"""The one door for pysaml2: its reading of an answer, its schema and its profile checks, with keys and crypto of ours.

pysaml2 calls the program xmlsec1 through temporary files; `Backend` takes that place with libxmlsec in this process.
What it is given has passed our own guards; it is the second reader, and both must read the same.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from saml2 import sigver
from saml2.attribute_converter import ac_factory
from saml2.response import AuthnResponse
from saml2.sigver import CryptoBackend, SecurityContext, SignatureError
from saml2.xml.schema import XMLSchemaError

from control_plane.saml.content import SKEW, Expected
from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.schema import follows_schema
from control_plane.saml.signatures import VerifyingKey
from control_plane.saml.xml import Element, everywhere, parse, serialised

# It writes documents, names and addresses of people into its log.
logging.getLogger("saml2").disabled = True
for _name in [name for name in logging.root.manager.loggerDict if name.startswith("saml2.")]:
    logging.getLogger(_name).disabled = True


def _validate(text: str) -> None:
    """What pysaml2 calls to see whether a signed part follows its schema."""
    if not follows_schema(parse(text.encode())):
        raise XMLSchemaError


sigver.validate_doc_with_schema = _validate


@dataclass(frozen=True)
class Pin:
    """A pinned certificate as pysaml2 passes it round: `name` stands for the file that it would be in."""

    name: str
    key: VerifyingKey


class _Pinned:
    """Stands for pysaml2's metadata store: the one identity provider of a connection and its certificates."""

    def __init__(self, entity_id: str, pins: Sequence[Pin]) -> None:
        self._entity_id = entity_id
        self._pins = pins

    def certs(self, entity_id: str, descriptor: str, use: str = "signing") -> list[tuple[str, Pin]]:
        """(name, certificate) for verifying what `entity_id` signed."""
        if entity_id != self._entity_id:
            raise KeyError(entity_id)
        return [(pin.name, pin) for pin in self._pins]


class Backend(CryptoBackend):  # type: ignore[misc]  # the package has no types
    """Verifies with pinned keys, and hands over what `plain` decrypted. Made for one answer."""

    def __init__(self, pins: Sequence[Pin], plain: Callable[[], Element]) -> None:
        super().__init__()
        self._pins = {pin.name: pin.key for pin in pins}
        self._plain = plain
        self.verified: set[str] = set()  # the IDs of elements whose signature holds

    def validate_signature(
        self, signedtext: str | bytes, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Whether the element of that ID is signed with the key that pysaml2 calls a file."""
        text = signedtext if isinstance(signedtext, bytes) else signedtext.encode()
        namespace, _, name = node_name.rpartition(":")
        found = [one for one in everywhere(parse(text), namespace, name) if one.get("ID") == node_id]
        holds = len(found) == 1 and self._pins[cert_file].verifies(found[0])
        if holds:
            self.verified.add(node_id)
        return holds

    def decrypt(self, enctext: str, key_file: str) -> str:
        """The whole answer in plain, looked at by our guards."""
        return serialised(self._plain()).decode()


@dataclass(frozen=True)
class Reading:
    """What pysaml2 made of an answer: whom it names, and the IDs of the elements whose signature holds."""

    name_id: str
    verified: frozenset[str]


def read(
    response: Element,
    expected: Expected,
    pins: Sequence[Pin],
    plain: Callable[[], Element],
    *,
    want_response_signed: bool,
) -> Reading:
    """Have pysaml2 check an answer: schema, signatures, profile. `plain` gives the decrypted one. Raises Refused."""
    backend = Backend(pins, plain)
    context = SecurityContext(
        backend,
        metadata=_Pinned(expected.idp_entity_id, pins),
        only_use_keys_in_metadata=True,
        enc_key_files=["ours"],  # the backend decrypts with our keys, whatever the name
    )
    answer = AuthnResponse(
        context,
        _CONVERTERS,
        expected.sp_entity_id,
        return_addrs=[expected.acs_url],
        outstanding_queries={expected.request_id: "/"},
        timeslack=int(SKEW.total_seconds()) + 2,  # times were looked at just now, to the moment
        want_assertions_signed=True,
        want_response_signed=want_response_signed,
        conv_info={"entity_id": expected.sp_entity_id},  # without it any recipient is taken
        allow_unknown_attributes=True,
    )
    text = serialised(response).decode()
    try:
        answer.loads(text, False, origxml=text)
        accepted = answer.verify()
    except Refused:
        raise
    except SignatureError as error:
        if isinstance(error.__cause__, XMLSchemaError):
            raise Refused(Reason.SCHEMA) from None
        raise Refused(Reason.SIGNATURE) from None
    except Exception as error:  # it raises all kinds, plain Exception among them
        raise Refused(Reason.LIBRARY, type(error).__name__) from None
    if accepted is None or answer.assertion is None or answer.name_id is None:
        raise Refused(Reason.LIBRARY)
    return Reading((answer.name_id.text or "").strip(), frozenset(backend.verified))


_CONVERTERS = ac_factory()
