"""Calls by which a workspace's directory of people and groups is read and changed; what SCIM compiles to.

A request of an identity provider is one call. Provisioning speaks the protocol and knows no person; the cell knows
people and no protocol, decides in one transaction under row locks, and has the last word on the credential. Documents
are JSON by the names of `contracts/directory_schema.py`; a value that is absent is not there, null is nothing.

A **path** is an attribute, perhaps some of its values, perhaps a part of them: `emails[type eq "work"].value` is
`{"attribute": "emails", "some": ["eq", ["type"], "work"], "part": "value"}`.

A **tree** chooses, as lists: `["and", tree, tree]`, `["or", tree, tree]`, `["not", tree]`, `["pr", path]`,
`["some", [attribute], tree]` (one value has all of it), and `[comparison, path, value]` with eq ne co sw ew gt ge lt
le, where a path is `["emails", "value"]`. Case counts only where the schema says so.
"""

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.directory_schema import Resource
from contracts.said import Done, OfWorkspace, Said
from contracts.signing_in import Digest
from kit.calls import Operation
from kit.refusals import Kind, Refusal

LONGEST_TREE = 8192  # characters of a filter as it came
DEEPEST_TREE = 20
MOST_STEPS = 1000  # of one change
MOST_MEMBERS = 20_000  # named in one change, or in one answer
LARGEST_DOCUMENT = 64 * 1024  # bytes of a document without its members: pages of documents are answers to one call
PAGE = 200  # the most of one answer

Document = dict[str, Any]  # JSON, checked against the schema by whoever takes it
Tree = list[Any]
ORDERED = frozenset({"gt", "ge", "lt", "le"})
WITHIN = frozenset({"co", "sw", "ew"})
# How the comparisons of a tree are between texts, for whoever evaluates one instead of asking the database.
FITS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
Version = Annotated[int, Field(ge=1)]  # of what is shown: another one wherever that is another
Versions = Annotated[list[Version], Field(min_length=1, max_length=5)]  # one of which it has to be
RequestId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class CredentialRefused(Refusal):
    """The credential is none of this workspace, or was revoked, or has expired."""

    kind = Kind.UNAUTHENTICATED
    title = "The provisioning token is not valid"
    detail = "Create a new one in the workspace's settings, and enter it at your identity provider."


class Taken(Refusal):
    """Somebody else has this user name, external id or name; `attribute` in the facts says which."""

    kind = Kind.CONFLICT
    title = "Another one has this already"
    detail = "User names, external ids and names of groups are unique within a workspace."


class NoTarget(Refusal):
    """A path chose nothing that could be changed."""

    kind = Kind.INVALID
    title = "The path chooses nothing"
    detail = "No value fits the path's condition."


class ValueRefused(Refusal):
    """A value does not fit its attribute; `attribute` in the facts says which."""

    kind = Kind.INVALID
    title = "A value cannot be used"
    detail = "It is of another type than its attribute, or too long, or missing where one is needed."


class FilterRefused(Refusal):
    """A filter says nothing about the resource, or more than is searched for at once; the detail says which."""

    kind = Kind.INVALID
    title = "The filter cannot be used"
    detail = "It compares with what its attribute does not have."


class NotChangeable(Refusal):
    """The directory alone sets this attribute."""

    kind = Kind.INVALID
    title = "This attribute cannot be set"
    detail = "It is the directory's own."


class VersionDiffers(Refusal):
    """It has been changed since the version that the request names."""

    kind = Kind.CONFLICT
    title = "It has been changed meanwhile"
    detail = "Read it again, and decide anew."


class ByLaw(Refusal):
    """A rule of the workspace forbids it: the last owner, an unverified domain. The detail says which."""

    kind = Kind.FORBIDDEN
    title = "The workspace does not allow this"
    detail = "See its settings."


class By(OfWorkspace):
    """Who asks: the digest of a provisioning token. `trace` is the request's id in logs of both sides."""

    credential: Digest
    trace: Annotated[str, Field(max_length=64)] = ""


class Path(Said):
    """What a step changes; `part` is a part of an attribute, `some` a tree over the values of one with several."""

    attribute: Annotated[str, Field(max_length=40)]
    some: Tree | None = None
    part: Annotated[str, Field(max_length=40)] = ""


class Verb(StrEnum):
    """What a step does."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


class Step(Said):
    """One step of a patch. Adding or replacing where `some` chooses nothing makes a value of what it says by `eq`.

    `value` of a removal names the values to remove; without it all that the path chooses go.
    """

    verb: Verb
    path: Path
    value: Any = None  # JSON


class Create(Said):
    """A new person or group."""

    verb: Literal["create"] = "create"
    resource: Resource
    document: Document


class Replace(Said):
    """The whole document anew. A person stays active or not where it does not say."""

    verb: Literal["replace"] = "replace"
    resource: Resource
    id: UUID
    document: Document
    expected: Versions | None = None


class Patch(Said):
    """Steps, all or none, in order."""

    verb: Literal["patch"] = "patch"
    resource: Resource
    id: UUID
    steps: Annotated[list[Step], Field(max_length=MOST_STEPS)]
    expected: Versions | None = None


class Erase(Said):
    """A person leaves the workspace, or a group is gone. What a person recorded stays, and so does the log."""

    verb: Literal["erase"] = "erase"
    resource: Resource
    id: UUID
    expected: Versions | None = None


Change = Annotated[Create | Replace | Patch | Erase, Field(discriminator="verb")]


class Apply(By):
    """A change. Repeated with the same request id it answers with what it did."""

    request_id: RequestId
    change: Change
    asked: Annotated[str, Field(max_length=200)] = ""  # method and path, for the provisioning log


class Item(Said):
    """A person or group as it is now; `document` holds settled attributes too, members only where asked for.

    Members are null where it has more than MOST_MEMBERS of them.
    """

    id: UUID
    version: Version
    document: Document


class Applied(Said):
    """What a change left; None for an erasure. `changed` is False where everything was so already."""

    item: Item | None
    changed: bool


class Find(By):
    """Those that the tree chooses, sorted, from the `start`-th on; `count` 0 asks for the total alone."""

    resource: Resource
    tree: Tree | None = None
    sort_by: tuple[str, ...] = ()
    descending: bool = False
    start: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=0, le=PAGE)] = PAGE
    members: bool = True


class Found(Said):
    """A page; `total` counts all that fit. It ends early where it would name more than MOST_MEMBERS members."""

    total: int
    items: list[Item]


class Get(By):
    """One by its id. Members of a group only if wanted."""

    resource: Resource
    id: UUID
    members: bool = True


class Note(By):
    """A request that provisioning refused by itself, for the workspace's provisioning log."""

    asked: Annotated[str, Field(max_length=200)]
    reason: Annotated[str, Field(max_length=40)]
    detail: Annotated[str, Field(max_length=300)] = ""


_REFUSALS = (CredentialRefused, Taken, NoTarget, ValueRefused, FilterRefused, NotChangeable, VersionDiffers, ByLaw)

DIRECTORY_APPLY = Operation(
    "directory.apply", Apply, Applied, writes=True, idempotent=True, known_again=True, refusals=_REFUSALS
)
DIRECTORY_NOTE = Operation("directory.note", Note, Done, writes=True, idempotent=False, refusals=(CredentialRefused,))
DIRECTORY_FIND = Operation("directory.find", Find, Found, writes=False, idempotent=True, refusals=_REFUSALS)
DIRECTORY_GET = Operation("directory.get", Get, Item, writes=False, idempotent=True, refusals=_REFUSALS)
