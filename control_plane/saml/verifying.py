"""From what the browser carried here to whom it names: the whole of what it takes to believe an answer, in order.

Nothing here waits or knows a network: it is one function of the answer, the connection, our keys and the time.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.identity import Certificate, Connection
from control_plane.saml import library, signatures
from control_plane.saml.content import Expected, check_assertion, check_header, moment
from control_plane.saml.keys import KeyPair
from control_plane.saml.question import Assertion, Question
from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.schema import follows_schema
from control_plane.saml.shape import Shape, shape_of
from control_plane.saml.signature_form import check_form
from control_plane.saml.summary import summarise
from control_plane.saml.xml import (
    DS,
    LARGEST_ANSWER,
    SAML,
    SAMLP,
    CommentFound,
    DoctypeFound,
    Element,
    NotXml,
    TooDeep,
    child,
    children,
    everywhere,
    parse,
    serialised,
    tag,
    text_of,
)

LARGEST_FIELD = LARGEST_ANSWER * 4 // 3 + 4  # characters of base64


def verify(question: Question, keys: Sequence[KeyPair]) -> Assertion:
    """Whom the answer names. Raises Refused, with a summary of what could be read."""
    root = _root(question.answer)
    found = _Found(root)
    try:
        return _believed(question, found, keys)
    except Refused as refused:
        refused.summary = summarise(found.root)
        raise


def says_it_answers(answer: str) -> str:
    """The ID of the request that the answer says it belongs to, unproved; empty: none. Raises Refused."""
    root = _root(answer)
    if root.tag != tag(SAMLP, "Response"):
        raise Refused(Reason.NOT_A_RESPONSE, summary=summarise(root))
    return root.get("InResponseTo") or ""


@dataclass
class _Found:
    """The document that was read last: as it arrived, then in plain."""

    root: Element


def _believed(question: Question, found: _Found, keys: Sequence[KeyPair]) -> Assertion:
    connection, expected = question.connection, _expected(question)
    arrived = shape_of(found.root)
    _signatures(arrived, connection)
    if not follows_schema(arrived.response):
        raise Refused(Reason.SCHEMA)
    check_header(arrived.response, expected)
    if arrived.assertion is not None:
        check_assertion(arrived.assertion, expected)

    def plain() -> Element:
        """The answer in plain, through the same door and the same guards as what arrives."""
        found.root = _parsed(serialised(signatures.decrypt(arrived.response, keys)))
        again = shape_of(found.root, decrypted=True)
        _signatures(again, connection)
        if again.assertion is None:
            raise Refused(Reason.DECRYPTION)
        check_assertion(again.assertion, expected)
        return found.root

    pins = [
        library.Pin(str(number), signatures.VerifyingKey(one.pem))
        for number, one in enumerate(_usable(connection, question.now))
    ]
    try:
        reading = library.read(
            arrived.response, expected, pins, plain, want_response_signed=connection.want_response_signed
        )
    except Refused as refused:
        if refused.reason is Reason.SIGNATURE and _other_certificate(found.root, connection.certificates):
            raise Refused(Reason.CERTIFICATE) from None
        raise
    return _named(question, found.root, reading)


def _named(question: Question, root: Element, reading: library.Reading) -> Assertion:
    """What is handed on is read from the very element whose signature holds."""
    shape = shape_of(root, decrypted=True)
    assertion = shape.assertion
    if assertion is None or any(one.get("ID") not in reading.verified for one in shape.signed):
        raise Refused(Reason.SIGNATURE, "a part that nobody verified")
    if assertion.get("ID") not in reading.verified:
        raise Refused(Reason.UNSIGNED)
    subject = child(assertion, SAML, "Subject")
    name = None if subject is None else child(subject, SAML, "NameID")
    if name is None or text_of(name) != reading.name_id:
        raise Refused(Reason.LIBRARY, "two readers read two names")
    statement = child(assertion, SAML, "AuthnStatement")
    conditions = child(assertion, SAML, "Conditions")
    ends = None if conditions is None else moment(conditions.get("NotOnOrAfter"))
    return Assertion(
        id=assertion.get("ID") or "",
        idp_entity_id=question.connection.idp_entity_id,
        name_id=text_of(name),
        name_id_format=name.get("Format") or "",
        attributes=_attributes(assertion),
        session_index="" if statement is None else statement.get("SessionIndex") or "",
        ends_at=ends or question.now,
        session_ends_at=None if statement is None else moment(statement.get("SessionNotOnOrAfter")),
        summary=summarise(root),
    )


def _attributes(assertion: Element) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names and values in order; an attribute that comes twice has the values of both."""
    found: dict[str, list[str]] = {}
    for statement in children(assertion, SAML, "AttributeStatement"):
        for one in children(statement, SAML, "Attribute"):
            values = [text_of(value) for value in children(one, SAML, "AttributeValue")]
            found.setdefault(one.get("Name") or "", []).extend(value for value in values if value)
    return tuple((name, tuple(values)) for name, values in found.items())


def _signatures(shape: Shape, connection: Connection) -> None:
    """What has to be signed and encrypted is, and every signature has the form that counts. None is verified yet."""
    if connection.want_encrypted and shape.encrypted is None:
        raise Refused(Reason.UNENCRYPTED)
    for one in shape.signed:
        check_form(one)
    if connection.want_response_signed and shape.response not in shape.signed:
        raise Refused(Reason.RESPONSE_UNSIGNED)
    if shape.assertion is not None and shape.assertion not in shape.signed:
        raise Refused(Reason.UNSIGNED)


def _expected(question: Question) -> Expected:
    connection = question.connection
    return Expected(
        idp_entity_id=connection.idp_entity_id,
        sp_entity_id=connection.sp_entity_id,
        acs_url=question.acs_url,
        request_id=question.request_id,
        name_id_format=connection.name_id_format,
        force_authn=question.force_authn or connection.force_authn,
        asked_at=question.asked_at,
        now=question.now,
    )


def _usable(connection: Connection, now: datetime) -> tuple[Certificate, ...]:
    usable = connection.usable(now)
    if not usable:
        raise Refused(Reason.CERTIFICATE_EXPIRED)
    return usable


def _other_certificate(root: Element, pinned: Sequence[Certificate]) -> bool:
    """Whether the answer names a certificate that is not pinned: a hint at why no signature holds, no more."""
    known = {one.der for one in pinned}
    named = {"".join((one.text or "").split()) for one in everywhere(root, DS, "X509Certificate")}
    return bool(named - known)


def _root(answer: str) -> Element:
    if len(answer) > LARGEST_FIELD:
        raise Refused(Reason.TOO_LARGE)
    try:
        # Some providers break the lines. Nothing is inflated: the POST binding does not compress (bindings, 3.5.4).
        text = base64.b64decode("".join(answer.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(Reason.NOT_BASE64) from None
    if len(text) > LARGEST_ANSWER:
        raise Refused(Reason.TOO_LARGE)
    return _parsed(text)


def _parsed(text: bytes) -> Element:
    try:
        return parse(text)
    except NotXml:
        raise Refused(Reason.NOT_XML) from None
    except DoctypeFound:
        raise Refused(Reason.DOCTYPE) from None
    except CommentFound:
        raise Refused(Reason.COMMENT) from None
    except TooDeep:
        raise Refused(Reason.TOO_DEEP) from None
