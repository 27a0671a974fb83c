"""Who acts: the same small description for rows, audit entries and permissions."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What sort of actor it is."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    CUSTOMER = "customer"
    DIRECTORY = "directory"  # an identity provider, by one of its tokens
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Somebody or something that changes a workspace. `name` and `origin` (a network address) are personal data."""

    kind: ActorKind
    id: UUID
    name: str = ""
    origin: str = ""
    elsewhere: bool = False  # vouched for by the workspace's identity provider, which admins choose


SYSTEM = Actor(ActorKind.SYSTEM, UUID(int=0), "Cellcast")
