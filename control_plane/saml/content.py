"""What an answer must say (SAML profiles, 4.1.4): for us, for this request, now, about one person who signed in.

The library checks part of it, and accepts what is left out; here nothing may be missing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.identity import NameIdFormat
from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.shape import SUCCESS
from control_plane.saml.xml import SAML, SAMLP, Element, child, children, tag, text_of

SKEW = timedelta(seconds=30)  # what clocks may differ by
FRESH = timedelta(minutes=5)  # an answer is made for the moment in which it is carried here
LONGEST_NAME = 256  # characters of a NameID (SAML core, 8.3.7)

_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_KNOWN_CONDITIONS = {tag(SAML, name) for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")}
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z?", re.ASCII)


@dataclass(frozen=True)
class Expected:
    """What the answer to one request of ours must fit. `asked_at` is when we asked."""

    idp_entity_id: str
    sp_entity_id: str
    acs_url: str
    request_id: str
    name_id_format: NameIdFormat
    force_authn: bool
    asked_at: datetime
    now: datetime


def check_header(response: Element, expected: Expected) -> None:
    """What the response says about itself. Raises Refused."""
    _status(response)
    _issuer(response, expected)
    if response.get("Destination") != expected.acs_url:
        raise Refused(Reason.DESTINATION)
    if not response.get("InResponseTo"):
        raise Refused(Reason.UNSOLICITED)
    if response.get("InResponseTo") != expected.request_id:
        raise Refused(Reason.REQUEST_DIFFERS, "the response's InResponseTo")
    _issued(response, expected.now)


def check_assertion(assertion: Element, expected: Expected) -> None:
    """What the assertion says. Raises Refused."""
    _issuer(assertion, expected)
    _issued(assertion, expected.now)
    subject = child(assertion, SAML, "Subject")
    if subject is None:
        raise Refused(Reason.SUBJECT)
    _name(subject, expected.name_id_format)
    _confirmation(subject, expected)
    _conditions(assertion, expected)
    _authenticated(assertion, expected)


def moment(text: str | None) -> datetime | None:
    """An xs:dateTime in UTC (SAML core, 1.3.3); None for anything else."""
    found = _MOMENT.fullmatch(text or "")
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _status(response: Element) -> None:
    status = child(response, SAMLP, "Status")
    code = None if status is None else child(status, SAMLP, "StatusCode")
    if code is None or code.get("Value") != SUCCESS:
        raise Refused(Reason.STATUS)


def _issuer(part: Element, expected: Expected) -> None:
    issuer = child(part, SAML, "Issuer")
    if issuer is None or text_of(issuer) != expected.idp_entity_id or issuer.get("Format", _ENTITY) != _ENTITY:
        raise Refused(Reason.ISSUER)


def _issued(part: Element, now: datetime) -> None:
    issued = moment(part.get("IssueInstant"))
    if issued is None or not now - FRESH - SKEW < issued < now + SKEW:
        raise Refused(Reason.ISSUE_INSTANT)


def _name(subject: Element, wanted: NameIdFormat) -> None:
    name = child(subject, SAML, "NameID")
    if name is None or not 0 < len(text_of(name)) <= LONGEST_NAME or not text_of(name).isprintable():
        raise Refused(Reason.NAME_ID)
    given = name.get("Format", NameIdFormat.UNSPECIFIED.urn)
    if given == _TRANSIENT or (wanted is not NameIdFormat.UNSPECIFIED and given != wanted.urn):
        raise Refused(Reason.NAME_ID_FORMAT)


def _confirmation(subject: Element, expected: Expected) -> None:
    confirmations = children(subject, SAML, "SubjectConfirmation")
    if len(confirmations) != 1 or confirmations[0].get("Method") != _BEARER:
        raise Refused(Reason.CONFIRMATION)
    data = child(confirmations[0], SAML, "SubjectConfirmationData")
    if data is None:
        raise Refused(Reason.CONFIRMATION, "without data")
    if data.get("Recipient") != expected.acs_url:
        raise Refused(Reason.RECIPIENT)
    if data.get("InResponseTo") != expected.request_id:
        raise Refused(Reason.REQUEST_DIFFERS, "the confirmation's InResponseTo")
    if moment(data.get("NotOnOrAfter")) is None:
        raise Refused(Reason.CONFIRMATION, "without an end")
    _within(data, expected.now)


def _conditions(assertion: Element, expected: Expected) -> None:
    conditions = child(assertion, SAML, "Conditions")
    if conditions is None or moment(conditions.get("NotOnOrAfter")) is None:
        raise Refused(Reason.CONDITIONS)
    if any(one.tag not in _KNOWN_CONDITIONS for one in conditions):
        raise Refused(Reason.CONDITIONS, "one that is unknown")
    _within(conditions, expected.now)
    restrictions = children(conditions, SAML, "AudienceRestriction")
    # Every restriction has to hold, and one holds if it names us (SAML core, 2.5.1.4).
    named = [{text_of(one) for one in children(each, SAML, "Audience")} for each in restrictions]
    if not named or not all(expected.sp_entity_id in audiences for audiences in named):
        raise Refused(Reason.AUDIENCE)


def _within(part: Element, now: datetime) -> None:
    """Now is between NotBefore and NotOnOrAfter, where they are given, give or take the clocks."""
    begins, ends = moment(part.get("NotBefore")), moment(part.get("NotOnOrAfter"))
    if (begins is None) is not (part.get("NotBefore") is None):
        raise Refused(Reason.CONDITIONS, "a time that is none")
    if begins is not None and now < begins - SKEW:
        raise Refused(Reason.NOT_YET)
    if ends is not None and now >= ends + SKEW:
        raise Refused(Reason.EXPIRED)


def _authenticated(assertion: Element, expected: Expected) -> None:
    statement = child(assertion, SAML, "AuthnStatement")
    instant = None if statement is None else moment(statement.get("AuthnInstant"))
    if statement is None or instant is None or instant >= expected.now + SKEW:
        raise Refused(Reason.AUTHN_STATEMENT)
    if expected.force_authn and instant < expected.asked_at - SKEW:
        raise Refused(Reason.AUTHN_INSTANT)
    if statement.get("SessionNotOnOrAfter") is not None:
        ends = moment(statement.get("SessionNotOnOrAfter"))
        if ends is None or expected.now >= ends + SKEW:
            raise Refused(Reason.SESSION_ENDED)
