"""What a verdict on an answer depends on, and what it says: plain values that cross into the process that judges."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.identity import Connection
from contracts.signing_in import Answer


@dataclass(frozen=True)
class Question:
    """What we asked of whom, and what came back: all that a verdict depends on."""

    answer: str = field(repr=False)  # base64, as the form field SAMLResponse holds it
    connection: Connection
    acs_url: str
    request_id: str
    asked_at: datetime
    now: datetime
    force_authn: bool = False


@dataclass(frozen=True)
class Assertion:
    """Whom a believed answer names, in the identity provider's own words. Personal data but for the ids."""

    id: str
    idp_entity_id: str
    name_id: str = field(repr=False)
    name_id_format: str
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = field(repr=False)
    session_index: str
    ends_at: datetime  # of its use
    session_ends_at: datetime | None  # at the identity provider, where it says so
    summary: Answer = field(repr=False)
