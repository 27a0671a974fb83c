"""Why a sign-in was refused: a stable code, words for the admin who can mend it, and words for the person."""

from dataclasses import dataclass
from enum import Enum

from contracts.signing_in import Answer
from kit.marking import N_

# What a person reads says what to do and nothing of what was checked: whoever forges answers learns nothing from it.
_AGAIN = N_("Your sign-in could not be completed. Go back to the sign-in page and try again.")
_ADMIN = N_("Your sign-in could not be completed. Ask one of your admins, and name the reference below.")
_FORGED = N_(
    "Your identity provider's answer could not be accepted. Ask one of your admins, and name the reference below."
)


@dataclass(frozen=True)
class Words:
    """`hint` is for the admin, with `{idp}` for the identity provider's name; `text` is for the person."""

    hint: str
    text: str


class Reason(Enum):
    """Every reason for which an answer is refused. The code (`reason.code`) stays; words may change."""

    # What arrived is not an answer at all.
    TOO_LARGE = Words("The answer is larger than 256 KiB. Send fewer groups from {idp}.", _ADMIN)
    NOT_BASE64 = Words("What arrived is not base64. Use the HTTP-POST binding in {idp}.", _FORGED)
    NOT_XML = Words("What arrived is not XML in UTF-8. Use the HTTP-POST binding in {idp}, uncompressed.", _FORGED)
    DOCTYPE = Words("The answer has a document type or entities, which no identity provider sends.", _FORGED)
    COMMENT = Words("The answer has a comment or a processing instruction, with which names are forged.", _FORGED)
    TOO_DEEP = Words("The answer is nested too deeply, or has too many elements.", _FORGED)
    NOT_A_RESPONSE = Words("What arrived is another message than a SAML Response.", _FORGED)
    VERSION = Words("The answer is not of SAML version 2.0. Choose SAML 2.0 in {idp}.", _FORGED)
    SCHEMA = Words("The answer does not follow the SAML schema.", _FORGED)
    DUPLICATE_ID = Words("Two parts of the answer have the same ID, as in forged answers.", _FORGED)
    ASSERTIONS = Words(
        "The answer does not hold exactly one assertion in its place, as in forged answers. {idp} must send one.",
        _FORGED,
    )
    # What it says about itself.
    STATUS = Words("{idp} refused the sign-in itself: see its status in the details, and its own log.", _ADMIN)
    ISSUER = Words(
        "The answer names another issuer than the entity ID of {idp} here. Upload its metadata anew.", _FORGED
    )
    DESTINATION = Words(
        "The answer is addressed elsewhere. Set the reply URL (ACS URL) in {idp} to the one of this page.", _ADMIN
    )
    UNSOLICITED = Words(
        "The answer belongs to no request. Sign-ins from a tile in {idp} start anew by themselves; this one did not.",
        _AGAIN,
    )
    REQUEST_UNKNOWN = Words(
        "The answer came later than ten minutes, or a second time, or for a request that was never made here.", _AGAIN
    )
    REQUEST_DIFFERS = Words("Parts of the answer belong to different requests.", _FORGED)
    OTHER_WORKSPACE = Words("The answer belongs to a request of another workspace.", _FORGED)
    OTHER_BROWSER = Words("The answer came from another browser than the one that began the sign-in.", _AGAIN)
    ISSUE_INSTANT = Words("The answer was made too long ago or in the future. Check the clock of {idp}.", _AGAIN)
    # Signatures and encryption.
    UNSIGNED = Words("The assertion is not signed. Switch on signing of assertions in {idp}.", _FORGED)
    RESPONSE_UNSIGNED = Words(
        "The response is not signed, and this connection wants it. Switch it on in {idp}.", _FORGED
    )
    SIGNATURE_FORM = Words("The signature is not of the form that SAML prescribes, as in forged answers.", _FORGED)
    ALGORITHM = Words("The signature uses an algorithm that is not safe. Choose RSA-SHA256 in {idp}.", _FORGED)
    SIGNATURE = Words("The signature does not hold: the answer was changed after it was signed.", _FORGED)
    CERTIFICATE = Words(
        "The answer is signed with another certificate than those known here. The certificate in {idp} was rotated: "
        "upload the new one.",
        _FORGED,
    )
    CERTIFICATE_EXPIRED = Words("Every certificate of {idp} known here has expired: upload the new one.", _FORGED)
    UNENCRYPTED = Words("The assertion is not encrypted, and this connection wants it. Switch it on in {idp}.", _FORGED)
    ENCRYPTION_ALGORITHM = Words(
        "The encryption uses an algorithm that is not safe. Choose AES-256-GCM in {idp}.", _FORGED
    )
    DECRYPTION = Words(
        "The assertion cannot be decrypted. Upload our present encryption certificate to {idp}.", _FORGED
    )
    # What the assertion says.
    SUBJECT = Words("The assertion names nobody (it has no Subject).", _ADMIN)
    NAME_ID = Words("The assertion has no usable NameID. Choose in {idp} what it is made of.", _ADMIN)
    NAME_ID_FORMAT = Words("The NameID is of another format than the one chosen here.", _ADMIN)
    CONDITIONS = Words("The assertion has no conditions, or none that end.", _FORGED)
    EXPIRED = Words("The assertion has expired. Check the clock of {idp}.", _AGAIN)
    NOT_YET = Words("The assertion is not valid yet. Check the clock of {idp}.", _AGAIN)
    AUDIENCE = Words("The assertion is for another audience. Set the audience (entity ID) in {idp} to ours.", _ADMIN)
    CONFIRMATION = Words("The assertion does not hold exactly one confirmation of the kind bearer.", _FORGED)
    RECIPIENT = Words("The assertion is for another recipient. Set the recipient (ACS URL) in {idp} to ours.", _ADMIN)
    AUTHN_STATEMENT = Words("The assertion does not say once how and when the person signed in at {idp}.", _FORGED)
    AUTHN_INSTANT = Words("{idp} did not ask for the sign-in anew, though this connection wants it.", _AGAIN)
    SESSION_ENDED = Words("The person's session at {idp} has ended.", _AGAIN)
    REPLAYED = Words("This assertion was used before.", _AGAIN)
    # Us.
    LIBRARY = Words("The answer does not follow the SAML profile.", _FORGED)
    NO_CONNECTION = Words("This workspace has no connection that is switched on.", _ADMIN)
    TOO_SLOW = Words("Checking the answer took too long and was given up.", _AGAIN)
    CELL_AWAY = Words(
        "The sign-in at {idp} was good, but the workspace itself did not answer.",
        N_("Your workspace does not answer at the moment. Nothing is lost: go back to the sign-in page and try again."),
    )

    @property
    def code(self) -> str:
        """The stable name, such as `name-id`."""
        return self.name.lower().replace("_", "-")

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        return _STATUS.get(self.name, 403)

    def hint(self, idp: str) -> str:
        """The words for the admin; `idp` is the product's name."""
        return self.value.hint.format(idp=idp)

    @property
    def text(self) -> str:
        """The words for the person who wanted to sign in."""
        return self.value.text


_STATUS = {"TOO_LARGE": 413, "REQUEST_UNKNOWN": 410, "TOO_SLOW": 503, "CELL_AWAY": 503}


class Refused(Exception):
    """An answer that is not believed. `summary` is what of it may be shown in the sign-in log."""

    def __init__(self, reason: Reason, note: str = "", summary: Answer | None = None) -> None:
        super().__init__(f"{reason.code}: {note}" if note else reason.code)
        self.reason = reason
        self.note = note  # a few words of ours, never of the answer
        self.summary = summary

    def __reduce__(self) -> tuple[type["Refused"], tuple[Reason, str, Answer | None]]:
        """It comes whole out of the process in which an answer is judged."""
        return Refused, (self.reason, self.note, self.summary)
