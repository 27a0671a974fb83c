"""Calls by which somebody signs in at an identity provider, and by which an admin sets that up.

A sign-in begins at the cell, which keeps a nonce in the browser and passes its hash on (`saml.begin`); provisioning
asks the identity provider, believes its answer or not, and hands over who it is (`identity.give`) for a code; the
browser carries the code alone, and the cell takes it once, from the browser with the nonce.

What a hand-over or a report says of a person is personal data: it goes from provisioning to the cell and stays there.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from contracts.domains import DIGEST, DOMAIN, LONGEST
from contracts.identity import LARGEST_CERTIFICATE, Binding, Connection, Role
from contracts.said import Done, Key, OfWorkspace, Said
from kit.calls import Operation
from kit.refusals import Kind, Refusal

LARGEST_METADATA = 512 * 1024  # bytes; those of one identity provider take 3 to 20 kB
MOST_ATTRIBUTES = 50  # of an answer, and of values of one
MOST_REPORTS = 100
CODE_LIFE_S = 60
SIGN_IN_LIFE_S = 600  # from the first click to the identity provider's answer

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # SHA-256 in hexadecimal
Reference = Annotated[str, Field(pattern=r"^[0-9a-z]{10}$")]  # what a person can read out to an admin
Text = Annotated[str, Field(max_length=300)]
Values = tuple[Text, Annotated[tuple[Text, ...], Field(max_length=MOST_ATTRIBUTES)]]
ManyValues = Annotated[tuple[Values, ...], Field(max_length=MOST_ATTRIBUTES)]


class Purpose(StrEnum):
    """What a sign-in is for."""

    SIGN_IN = "sign-in"
    TEST = "test"  # an admin tries a connection; it opens nothing
    FRESH = "fresh"  # somebody who is signed in proves it once more


class SsoOff(Refusal):
    """The workspace has no connection that may be used for this."""

    kind = Kind.CONFLICT
    title = "Single sign-on is not switched on"
    detail = "Sign in another way, or ask one of your admins."


class SignInUnknown(Refusal):
    """No sign-in with this nonce was begun in this cell, or it has run out of time."""

    kind = Kind.GONE
    title = "This sign-in took too long"
    detail = "Start it again from your workspace's sign-in page."


class NotAdmitted(Refusal):
    """The identity provider is believed, and the person may not come in all the same; `reason` says why in a word."""

    kind = Kind.FORBIDDEN
    title = "You cannot sign in to this workspace"
    detail = "Ask one of your admins, and name the reference below."


class MetadataRefused(Refusal):
    """What was pasted is no usable metadata; the detail says what is wrong with it."""

    kind = Kind.INVALID
    title = "This metadata cannot be used"
    detail = "Copy it again from your identity provider."


class NameServersSilent(Refusal):
    """The name servers of a domain give no answer, neither yes nor no."""

    kind = Kind.UNAVAILABLE
    title = "The name servers of this domain do not answer"
    detail = "Check that the domain is written right, and try again in a few minutes."
    retry_after_s = 60


class DomainTaken(Refusal):
    """As many workspaces as may share a domain have verified it."""

    kind = Kind.CONFLICT
    title = "Too many workspaces use this domain"
    detail = "Remove it from one that no longer needs it."


class Begin(OfWorkspace):
    """A sign-in that begins. `nonce` is the SHA-256 of the word in the browser's cookie at the cell."""

    key: Key
    nonce: Digest
    purpose: Purpose = Purpose.SIGN_IN


class Begun(Said):
    """Where to send the browser: an address of provisioning, good for a few minutes."""

    url: Annotated[str, Field(max_length=2048)]


class OfKey(OfWorkspace):
    """A request about one workspace that needs its key too."""

    key: Key


class OurCertificate(Said):
    """A certificate of ours: PEM."""

    pem: Annotated[str, Field(max_length=LARGEST_CERTIFICATE * 2)]
    not_after: AwareDatetime


class Facts(Said):
    """What an admin enters at the identity provider. The first certificate signs; to encrypt for, any will do."""

    entity_id: str
    acs_url: str
    metadata_url: str
    certificates: tuple[OurCertificate, ...]


class Metadata(OfWorkspace):
    """Metadata of an identity provider: its address, or the document itself."""

    url: Annotated[str, Field(max_length=2048)] = ""
    document: Annotated[str, Field(max_length=LARGEST_METADATA)] = Field("", repr=False)


class IdpFacts(Said):
    """What metadata says. `certificates` are base64 of DER, those that have not ended."""

    entity_id: str
    sso_url: str
    binding: Binding
    certificates: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    wants_signed_requests: bool


class DomainToCheck(OfWorkspace):
    """A domain whose TXT record at `_cellcast.{domain}` is to hold `cellcast-verification={token}`."""

    domain: Annotated[str, Field(pattern=DOMAIN, max_length=LONGEST)]
    token: Annotated[str, Field(pattern=r"^[0-9a-z]{32}$")]


class DomainChecked(Said):
    """Whether it does; `seen` are up to ten texts that stand there instead."""

    found: bool
    seen: tuple[Text, ...] = ()


class Answer(Said):
    """What may be shown of an answer, believed or not: decoded, bounded, and nothing that could be used again."""

    issuer: Text = ""
    destination: Text = ""
    issued_at: Text = ""
    status: tuple[Text, ...] = ()
    status_message: Text = ""
    name_id: Text = ""
    name_id_format: Text = ""
    audiences: tuple[Text, ...] = ()
    recipient: Text = ""
    not_before: Text = ""
    not_on_or_after: Text = ""
    attributes: ManyValues = ()
    signed: tuple[Text, ...] = ()
    algorithms: tuple[Text, ...] = ()
    certificates: tuple[Text, ...] = ()  # SHA-256 of each that the answer shows
    encrypted: bool = False


class HandOver(OfWorkspace):
    """Who signed in. `role` is None where the connection leaves roles to the workspace."""

    reference: Reference
    nonce: Digest
    purpose: Purpose
    idp_entity_id: Annotated[str, Field(max_length=1024)]
    name_id: Annotated[str, Field(min_length=1, max_length=256)]
    name_id_format: Annotated[str, Field(max_length=256)]
    email: Annotated[str, Field(max_length=254)] = ""
    name: Annotated[str, Field(max_length=120)] = ""
    groups: Annotated[tuple[Text, ...], Field(max_length=1000)] = ()
    role: Role | None = None
    ends_at: AwareDatetime | None = None  # of the session at the identity provider, where it says so
    answer: Answer = Answer()


class HandedOver(Said):
    """The random code that the browser carries to the cell."""

    code: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]


class Attempt(Said):
    """A sign-in that provisioning refused: `reason` is a code, `hint` the words for the admin."""

    reference: Reference
    at: AwareDatetime
    purpose: Purpose | None  # None where no request of ours was found
    reason: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    hint: Annotated[str, Field(max_length=500)]
    answer: Answer = Answer()


class Report(OfWorkspace):
    """Sign-ins that were refused, for the workspace's sign-in log. Repeated ones (by reference) are taken once."""

    attempts: Annotated[tuple[Attempt, ...], Field(min_length=1, max_length=MOST_REPORTS)]


class Find(Said):
    """Somebody asks which workspaces they have. The answer is always the same; a mail goes to a person who is known."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    address: Annotated[str, Field(max_length=64)]  # stands for the network address of who asks; for limits
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"


class SetSso(OfWorkspace):
    """The workspace's connection from now on, or that it has none."""

    connection: Connection | None


class SetDomains(OfWorkspace):
    """All domains that the workspace has verified, as keyed hashes (contracts/domains.py)."""

    digests: Annotated[tuple[Annotated[str, Field(pattern=DIGEST)], ...], Field(max_length=50)]


# What provisioning answers.
SAML_BEGIN = Operation("saml.begin", Begin, Begun, writes=True, idempotent=True, refusals=(SsoOff,))
SAML_FACTS = Operation("saml.facts", OfKey, Facts, writes=False, idempotent=True)
SAML_METADATA = Operation(
    "saml.metadata", Metadata, IdpFacts, writes=False, idempotent=True, within_s=15, refusals=(MetadataRefused,)
)
DOMAIN_CHECK = Operation(
    "domain.check",
    DomainToCheck,
    DomainChecked,
    writes=False,
    idempotent=True,
    within_s=10,
    refusals=(NameServersSilent,),
)
# What a cell answers.
IDENTITY_GIVE = Operation(
    "identity.give",
    HandOver,
    HandedOver,
    writes=True,
    idempotent=False,
    refusals=(SsoOff, SignInUnknown, NotAdmitted),
)
IDENTITY_REPORT = Operation("identity.report", Report, Done, writes=True, idempotent=True)
PEOPLE_FIND = Operation("people.find", Find, Done, writes=True, idempotent=False)
# What the control plane answers.
SSO_SET = Operation("sso.set", SetSso, Done, writes=True, idempotent=True)
DOMAINS_SET = Operation("domains.set", SetDomains, Done, writes=True, idempotent=True, refusals=(DomainTaken,))
