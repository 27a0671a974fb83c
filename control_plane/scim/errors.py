"""Answers that say no, in SCIM's words (RFC 7644 section 3.12), and what each refusal of a cell is in them."""

from contracts import directory
from control_plane.scim.names import scim_name
from kit.calls.refusals import AnswerTooLarge, CallTooLarge
from kit.refusals import Invalid, Kind, NotFound, Refusal
from kit.web.problems import STATUS

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A request that is refused. `detail` is for whoever looks after the identity provider: it repeats no value."""

    def __init__(self, status: int, detail: str, scim_type: str = "", *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.retry_after_s = retry_after_s
        self.allowed: tuple[str, ...] = ()
        self.noted = False  # whether the cell knows of it already

    @property
    def document(self) -> dict[str, object]:
        """The body."""
        said: dict[str, object] = {"schemas": [ERROR], "status": str(self.status)}
        if self.scim_type:
            said["scimType"] = self.scim_type
        return {**said, "detail": self.detail}


def bad(scim_type: str, detail: str) -> ScimError:
    """A 400 with one of SCIM's error types."""
    return ScimError(400, detail, scim_type)


def busy(status: int, detail: str, retry_after_s: int) -> ScimError:
    """Not now: the provisioning log is not filled with it. Of 429 it has a line a minute (`limits.Lane.tells`)."""
    error = ScimError(status, detail, retry_after_s=retry_after_s)
    error.noted = True
    return error


def not_allowed(*methods: str) -> ScimError:
    """A 405 that names what is allowed."""
    error = ScimError(405, f"Only {', '.join(methods)} can be used here.")
    error.allowed = methods
    return error


_SAID: dict[type[Refusal], tuple[int, str]] = {
    directory.CredentialRefused: (401, ""),
    directory.Taken: (409, "uniqueness"),
    directory.NoTarget: (400, "noTarget"),
    directory.ValueRefused: (400, "invalidValue"),
    directory.FilterRefused: (400, "invalidFilter"),
    directory.NotChangeable: (400, "mutability"),
    directory.VersionDiffers: (412, ""),
    directory.ByLaw: (403, ""),
    AnswerTooLarge: (400, "tooMany"),
    CallTooLarge: (413, ""),
    NotFound: (404, ""),
    Invalid: (400, "invalidValue"),
}

_WAY_OUT: dict[type[Refusal], str] = {
    AnswerTooLarge: "The answer would be too large. Ask for fewer at once, with a smaller count.",
    # Only ids of members go to the cell: as many as are taken fit into one call, beside all else of a group.
    CallTooLarge: f"One request has at most {directory.MOST_MEMBERS} members and {directory.LARGEST_DOCUMENT} bytes of "
    "other values: send it in several.",
}


def of(refusal: Refusal) -> ScimError:
    """What a cell's refusal is to a client."""
    status, scim_type = _SAID.get(type(refusal)) or (_by_kind(refusal.kind), "")
    attribute = scim_name(str(refusal.facts.get("attribute") or ""))
    detail = _WAY_OUT.get(type(refusal)) or f"{refusal.title}. {refusal.detail}"
    detail += f" Attribute: {attribute}." if attribute else ""
    error = ScimError(status, detail, scim_type, retry_after_s=refusal.retry_after_s)
    if status == 503 and error.retry_after_s is None:
        error.retry_after_s = 5
    error.noted = not isinstance(refusal, CallTooLarge)  # which never came to the cell
    return error


def _by_kind(kind: Kind) -> int:
    """As everywhere in Cellcast, but for what SCIM has another status for."""
    return {Kind.INVALID: 400, Kind.GONE: 404}.get(kind, STATUS[kind])
