"""Answers that are signed well and say the wrong thing, or too little: each is refused for its own reason."""

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from contracts.identity import NameIdFormat
from control_plane.saml.reasons import Reason
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import NS, PERSISTENT, SAML, TRANSIENT, Says
from tests.control_plane.saml.world import USUAL, ask, connection, reason

ELSEWHERE = "https://us.cellcast.example/saml/zzzz2345"
STATUS = "urn:oasis:names:tc:SAML:2.0:status"
CM = "urn:oasis:names:tc:SAML:2.0:cm"
DAY = 86_400


@pytest.fixture(autouse=True)
def time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what is said and what is asked no time goes by: limits are tried to the second."""
    stands = datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(idp, "clock", lambda: stands)


def named(value: Says | Reason) -> str:
    """The same name in every process: what is unusual about it."""
    if isinstance(value, Reason):
        return value.name
    unusual = {one.name: getattr(value, one.name) for one in fields(value) if one.name not in ("id", "assertion_id")}
    return ",".join(f"{name}={what}"[:60] for name, what in unusual.items() if what != getattr(USUAL, name))


@pytest.mark.parametrize("parts", ["both", "assertion"])
@pytest.mark.parametrize(
    ("says", "why"),
    [
        (Says(audience=f"{ELSEWHERE}/metadata"), Reason.AUDIENCE),
        (Says(audience=None), Reason.AUDIENCE),
        (Says(audience=""), Reason.AUDIENCE),
        (Says(audience=USUAL.acs), Reason.AUDIENCE),
        (Says(conditions=False), Reason.CONDITIONS),
        (Says(not_on_or_after=None), Reason.CONDITIONS),
        (Says(recipient=f"{ELSEWHERE}/acs"), Reason.RECIPIENT),
        (Says(recipient=USUAL.sp), Reason.RECIPIENT),
        (Says(recipient=None), Reason.RECIPIENT),
        (Says(destination=f"{ELSEWHERE}/acs"), Reason.DESTINATION),
        (Says(destination=f"{USUAL.acs}/"), Reason.DESTINATION),
        (Says(destination=None), Reason.DESTINATION),
        (Says(request_id="_another"), Reason.REQUEST_DIFFERS),
        (Says(request_id=None), Reason.UNSOLICITED),
        (Says(confirmed_request=None), Reason.REQUEST_DIFFERS),
        (Says(confirmed_request="_another"), Reason.REQUEST_DIFFERS),
        (Says(not_on_or_after=-31), Reason.EXPIRED),
        (Says(not_before=31, not_on_or_after=600), Reason.NOT_YET),
        (Says(confirmed_until=-31), Reason.EXPIRED),
        (Says(confirmed_until=None), Reason.CONFIRMATION),
        (Says(confirmed_from=31, confirmed_until=600), Reason.NOT_YET),
        (Says(issued=-2 * DAY), Reason.ISSUE_INSTANT),
        (Says(issued=2 * DAY), Reason.ISSUE_INSTANT),
        (Says(issued=31), Reason.ISSUE_INSTANT),
        (Says(session_until=-31), Reason.SESSION_ENDED),
        (Says(authenticated=31), Reason.AUTHN_STATEMENT),
        (Says(method=f"{CM}:sender-vouches"), Reason.CONFIRMATION),
        (Says(method=f"{CM}:holder-of-key"), Reason.CONFIRMATION),
        (Says(confirmations=0), Reason.CONFIRMATION),
        (Says(confirmations=2), Reason.CONFIRMATION),
        (Says(status=f"{STATUS}:Responder"), Reason.STATUS),
        (Says(status=f"{STATUS}:AuthnFailed"), Reason.STATUS),
        (Says(status=""), Reason.STATUS),
        (Says(version="1.1"), Reason.VERSION),
        (Says(assertion_version="1.1"), Reason.VERSION),
        (Says(statements=0), Reason.AUTHN_STATEMENT),
        (Says(statements=2), Reason.AUTHN_STATEMENT),
        (Says(subject=False), Reason.SUBJECT),
        (Says(name_id=None), Reason.NAME_ID),
        (Says(name_id=""), Reason.NAME_ID),
        (Says(name_id="  "), Reason.NAME_ID),
        (Says(name_id="a" * 257), Reason.NAME_ID),
        (Says(name_id="ada\u200b@customer.example"), Reason.NAME_ID),
        (Says(name_id_format=TRANSIENT), Reason.NAME_ID_FORMAT),
        (Says(idp="https://unknown.example/saml"), Reason.ISSUER),
        (Says(response_issuer="https://unknown.example/saml"), Reason.ISSUER),
        (Says(assertion_issuer="https://unknown.example/saml"), Reason.ISSUER),
    ],
    ids=named,
)
def test_signed_and_refused(says: Says, why: Reason, parts: str) -> None:
    assert reason(idp.signed(says, parts=parts)) is why


@pytest.mark.parametrize("skew", [0, 29])
def test_clocks_may_differ_by_29_seconds(skew: int) -> None:
    ask(idp.signed(Says(not_on_or_after=-skew, confirmed_until=-skew, not_before=-DAY)))
    ask(idp.signed(Says(issued=skew, not_before=skew, confirmed_from=skew, authenticated=skew)))
    ask(idp.signed(Says(session_until=-skew)))


def test_clocks_may_not_differ_by_31_seconds() -> None:
    assert reason(idp.signed(Says(not_on_or_after=-31))) is Reason.EXPIRED
    assert reason(idp.signed(Says(confirmed_until=-31))) is Reason.EXPIRED
    assert reason(idp.signed(Says(not_before=31))) is Reason.NOT_YET


def test_no_issuer() -> None:
    root = idp.response(Says(response_issuer=None))
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    idp.sign(inner)
    assert reason(root) is Reason.ISSUER


def test_an_issuer_of_another_format() -> None:
    root = idp.response(Says())
    for issuer in root.findall(".//saml:Issuer", NS):
        issuer.set("Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    idp.sign(inner)
    assert reason(root) is Reason.ISSUER


def test_the_chosen_format_of_names_is_demanded() -> None:
    wanted = connection(name_id_format=NameIdFormat.PERSISTENT)
    assert reason(idp.signed(Says()), wanted) is Reason.NAME_ID_FORMAT
    assert reason(idp.signed(Says(name_id_format=None)), wanted) is Reason.NAME_ID_FORMAT
    assert ask(idp.signed(Says(name_id_format=PERSISTENT)), wanted).name_id == "ada@customer.example"


def test_two_restrictions_of_which_one_is_not_for_us() -> None:
    root = idp.response(Says())
    conditions = root.find(".//saml:Conditions", NS)
    assert conditions is not None
    other = idp.assertion(Says(audience=f"{ELSEWHERE}/metadata")).find(".//saml:AudienceRestriction", NS)
    assert other is not None
    conditions.append(other)
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    idp.sign(inner)
    assert reason(root) is Reason.AUDIENCE


def test_a_condition_that_we_do_not_know() -> None:
    root = idp.response(Says())
    conditions = root.find(".//saml:Conditions", NS)
    assert conditions is not None
    unknown = conditions.makeelement(f"{{{SAML}}}Condition", {f"{{{idp.XSI}}}type": "saml:OneTimeUseType"})
    conditions.append(unknown)
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    idp.sign(inner)
    assert reason(root) is Reason.CONDITIONS


def test_a_sign_in_that_was_not_made_anew() -> None:
    fresh = connection(force_authn=True)
    assert reason(idp.signed(Says(authenticated=-3600)), fresh) is Reason.AUTHN_INSTANT
    assert reason(idp.signed(Says(authenticated=-3600)), force_authn=True) is Reason.AUTHN_INSTANT
    ask(idp.signed(Says(authenticated=-1)), fresh)


def test_the_identity_provider_says_no_without_an_assertion() -> None:
    root = idp.response(Says(status=f"{STATUS}:Responder"))
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    root.remove(inner)
    assert reason(root) is Reason.STATUS


# ---- another workspace's identity provider


def test_another_workspaces_provider_under_its_own_name() -> None:
    hostile = idp.Signing(by=idp.signer("hostile"))
    assert reason(idp.signed(Says(idp="https://hostile.example/saml"), how=hostile)) is Reason.ISSUER


def test_another_workspaces_provider_under_our_providers_name() -> None:
    assert reason(idp.signed(Says(), how=idp.Signing(by=idp.signer("hostile")))) is Reason.CERTIFICATE


def test_issuers_are_mixed() -> None:
    hostile = idp.Signing(by=idp.signer("hostile"))
    says = Says(assertion_issuer="https://hostile.example/saml")
    root = idp.response(says)
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    idp.sign(inner, hostile)
    idp.sign(root)
    assert reason(root) is Reason.ISSUER


def test_the_same_provider_answered_another_workspace() -> None:
    """Two workspaces at one Okta: the certificate is the same, the audience is not."""
    other = Says(sp=f"{ELSEWHERE}/metadata", acs=USUAL.acs)
    assert reason(idp.signed(other)) is Reason.AUDIENCE
