"""A connection to the tests' identity provider, and what a sign-in at it asks."""

import base64
import uuid
from functools import cache

from contracts.identity import Certificate, Connection
from control_plane.saml import verifying
from control_plane.saml.keys import KeyPair
from control_plane.saml.question import Assertion, Question
from control_plane.saml.reasons import Reason, Refused
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import Element, Says

USUAL = Says()
ACS = USUAL.acs


def connection(**changes: object) -> Connection:
    """The workspace's connection: one certificate, everything else as usual."""
    usual: dict[str, object] = {
        "workspace_id": uuid.UUID(int=1),
        "vendor": "okta",
        "sp_entity_id": USUAL.sp,
        "idp_entity_id": USUAL.idp,
        "sso_url": "https://idp.example/sso",
        "certificates": (certificate("idp"),),
        "enabled": True,
    }
    return Connection.model_validate({**usual, **changes}, strict=False)


def certificate(name: str) -> Certificate:
    return Certificate.of(idp.signer(name).certificate_der)


def our_keys(number: int = 0) -> KeyPair:
    """A key pair of the service provider."""
    return _pair(number)


@cache
def _pair(number: int) -> KeyPair:
    return KeyPair.new(f"sp-{number}")


def question(answer: str, to: Connection | None = None, **changes: object) -> Question:
    now = idp.clock()
    usual = {"acs_url": ACS, "request_id": "_request", "asked_at": now, "now": now}
    return Question(answer=answer, connection=to or connection(), **{**usual, **changes})  # type: ignore[arg-type]


def ask(answer: Element | bytes | str, to: Connection | None = None, **changes: object) -> Assertion:
    """The verdict on an answer: a document, its bytes, or the form field. Raises Refused."""
    if isinstance(answer, bytes):
        text = base64.b64encode(answer).decode()
    else:
        text = answer if isinstance(answer, str) else idp.text(answer)
    return verifying.verify(question(text, to, **changes), [our_keys()])


def refusal(answer: Element | bytes | str, to: Connection | None = None, **changes: object) -> Refused:
    """Why an answer is refused; it fails for one that is believed."""
    try:
        believed = ask(answer, to, **changes)
    except Refused as refused:
        return refused
    raise AssertionError(f"believed: {believed.id}")


def reason(answer: Element | bytes | str, to: Connection | None = None, **changes: object) -> Reason:
    return refusal(answer, to, **changes).reason
