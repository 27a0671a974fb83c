"""What the pages of single sign-on show."""

from datetime import datetime

from cell.sso import saving
from cell.sso.hints import HINTS
from cell.sso.models import SignIn
from cell.sso.reasons import Reason
from cell.sso.vendors import GUIDES, Guide
from cell.ui import pages
from contracts.identity import Certificate, Connection, NameIdFormat, Vendor
from contracts.signing_in import Facts
from kit.database import now
from kit.marking import N_

VENDORS = tuple((vendor.value, GUIDES[vendor].name) for vendor in Vendor if vendor is not Vendor.OTHER)
_FORMATS = {
    NameIdFormat.UNSPECIFIED: N_("Whatever it sends"),
    NameIdFormat.EMAIL: N_("An e-mail address"),
    NameIdFormat.PERSISTENT: N_("A lasting identifier"),
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
        "known": vendor is not Vendor.OTHER,
    }


def hint(one: SignIn, product: str) -> str:
    """Why it was refused and what helps, in the reader's language; a newer provisioning's own words as they came."""
    known = _HINTS.get(one.reason or "")
    return one.hint if known is None else pages.gettext(known).replace("{idp}", product)


def line(one: SignIn, product: str = "SAML") -> dict[str, object]:
    """A line of the log; `product` is the identity provider's."""
    return {
        "reference": one.reference,
        "at": one.at,
        "purpose": one.purpose,
        "reason": one.reason,
        "hint": hint(one, product),
        "name": one.name,
        "person_id": one.person_id,
        "said": one.said,
        "answer": one.answer,
    }
