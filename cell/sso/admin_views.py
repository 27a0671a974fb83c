"""What the pages of single sign-on show."""

from datetime import datetime

from cell.sso import saving
from cell.sso.hints import HINTS
from cell.sso.models import SignIn
from cell.sso.reasons import Reason
from cell.sso.vendors import GUIDES, Guide
from cell.ui import pages
from contracts.identity import Certificate, Connection, NameIdFormat, Vendor
from contracts.signing_in import Answer, Facts
from kit.database import now
from kit.marking import N_

VENDORS = tuple((vendor.value, GUIDES[vendor].name) for vendor in Vendor if vendor is not Vendor.OTHER)
_FORMATS = {
    NameIdFormat.UNSPECIFIED: N_("Whatever it sends"),
    NameIdFormat.EMAIL: N_("An e-mail address"),
    NameIdFormat.PERSISTENT: N_("A lasting identifier"),
}
# Where a reason for a refusal is mended: the page's name, and its path in the workspace.
_MENDED_AT = {
    "domain-unverified": (N_("Domains"), "/domains"),
    "not-linked": (N_("Attributes and roles"), "/sso/mapping"),
    "no-address": (N_("Attributes and roles"), "/sso/mapping"),
    "name-id-format": (N_("Attributes and roles"), "/sso/mapping"),
    "response-unsigned": (N_("Attributes and roles"), "/sso/mapping"),
    "unencrypted": (N_("Attributes and roles"), "/sso/mapping"),
    "certificate": (N_("Certificates of the identity provider"), "/sso#certificates"),
    "certificate-expired": (N_("Certificates of the identity provider"), "/sso#certificates"),
    "issuer": (N_("Connect"), "/sso/provider"),
    "destination": (N_("Connect"), "/sso/provider"),
    "recipient": (N_("Connect"), "/sso/provider"),
    "audience": (N_("Connect"), "/sso/provider"),
    "decryption": (N_("Connect"), "/sso/provider"),
}
_HINTS = {**HINTS, **{reason.code: reason.hint for reason in Reason}}


def standing(found: saving.Standing) -> dict[str, object]:
    """How it stands, for every page of it."""
    wanted = found.wanted
    return {
        "version": found.version,
        "state": state(wanted),
        "tested": found.tested,
        "saving": found.saving,
        "refused": pages.gettext(found.refused) if found.refused else "",
        "connection": None if wanted is None else connection(wanted),
    }


def formats() -> list[tuple[str, str]]:
    """The formats of a NameID that may be asked for, in words."""
    return [(one.value, pages.gettext(text)) for one, text in _FORMATS.items()]


def state(wanted: Connection | None) -> str:
    """none | saved | enabled | enforced."""
    if wanted is None:
        return "none"
    return "enforced" if wanted.enforced else "enabled" if wanted.enabled else "saved"


def connection(wanted: Connection) -> dict[str, object]:
    """A connection."""
    return {
        "vendor": wanted.vendor.value,
        "vendor_name": GUIDES[wanted.vendor].name,
        "idp_entity_id": wanted.idp_entity_id,
        "sso_url": wanted.sso_url,
        "certificates": [certificate(one, now()) for one in wanted.certificates],
        "attributes": wanted.attributes,
        "roles": [{"group": one.group, "role": one.role} for one in wanted.attributes.roles],
        "name_id_format": wanted.name_id_format.value,
        "just_in_time": wanted.just_in_time,
        "sign_requests": wanted.sign_requests,
        "want_response_signed": wanted.want_response_signed,
        "want_encrypted": wanted.want_encrypted,
        "force_authn": wanted.force_authn,
    }


def _values(found: Guide, facts: Facts) -> list[tuple[str, str, str]]:
    """Our two addresses in the order of the product's form: id, what the form calls it, value."""
    acs = ("our-acs", " / ".join(found.acs_url), facts.acs_url)
    entity = ("our-entity", " / ".join(found.entity_id), facts.entity_id)
    return [entity, acs] if found.entity_first else [acs, entity]


def certificate(one: Certificate, moment: datetime) -> dict[str, object]:
    """A certificate of the identity provider."""
    fingerprint = saving.of_certificate(one)
    left = one.not_after - moment
    return {
        "fingerprint": fingerprint,
        "shown": ":".join(fingerprint[at : at + 2] for at in range(0, 16, 2)).upper(),
        "not_after": one.not_after,
        "state": "ended" if left.days < 0 else "soon" if left.days < 30 else "good",
    }


def guide(vendor: Vendor, facts: Facts | None) -> dict[str, object]:
    """What to do at the identity provider, with our values where they are known."""
    found: Guide = GUIDES[vendor]
    return {
        "vendor": vendor.value,
        "guide": found,
        "facts": facts,
        "values": [] if facts is None else _values(found, facts),
        "known": vendor is not Vendor.OTHER,
    }


def _missing(one: SignIn, wanted: Connection | None) -> list[str]:
    """The attributes that the connection reads and the answer lacks. Of one without any, its page says that already."""
    sent = {name for name, _ in Answer.model_validate(one.answer).attributes}
    if wanted is None or not sent:
        return []
    names = wanted.attributes
    read = (names.email, names.name, names.first_name, names.last_name, names.groups if names.roles else "")
    return [name for name in read if name and name not in sent]


def hint(one: SignIn, product: str) -> str:
    """Why it was refused and what helps, in the reader's language; a newer provisioning's own words as they came."""
    known = _HINTS.get(one.reason or "")
    return one.hint if known is None else pages.gettext(known).replace("{idp}", product)


def line(one: SignIn, wanted: Connection | None) -> dict[str, object]:
    """A line of the log, beside the connection as it is now."""
    product = GUIDES[Vendor.OTHER if wanted is None else wanted.vendor].name
    mended_at = _MENDED_AT.get(one.reason or "")
    return {
        "reference": one.reference,
        "at": one.at,
        "purpose": one.purpose,
        "reason": one.reason,
        "hint": hint(one, product),
        "mended_at": None if mended_at is None else (pages.gettext(mended_at[0]), mended_at[1]),
        "missing": _missing(one, wanted),
        "name": one.name,
        "person_id": one.person_id,
        "said": one.said,
        "answer": one.answer,
    }
