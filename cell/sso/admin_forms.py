"""What the forms of single sign-on send."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from cell.sso.provider import Brought
from contracts.identity import Attributes, Connection, GroupRole, NameIdFormat, Role, Vendor
from contracts.signing_in import IdpFacts

EMPTY_ROWS = 3  # of groups, to be filled in


class Version(BaseModel):
    """Of the connection that the page showed."""

    version: Annotated[int, Field(ge=0)] = 0


class Typed(Version):
    """The workspace's name, typed to confirm."""

    name: Annotated[str, Field(max_length=200)] = ""


class WithProvider(Brought):
    """The identity provider, in one of three ways; `sure` where somebody was warned and means it."""

    version: Annotated[int, Field(ge=0)] = 0
    vendor: Vendor = Vendor.OTHER
    sure: bool = False

    def filled(self, facts: IdpFacts) -> Self:
        """The same with its parts by hand, so that whoever was warned need not bring a file again."""
        parts = {
            "url": "",
            "document": "",
            "entity_id": facts.entity_id,
            "sso_url": facts.sso_url,
            "binding": facts.binding,
            "certificates": "\n".join(_pem(one) for one in facts.certificates),
        }
        return self.model_copy(update=parts)


class Mapping(Version):
    """Attributes, groups and what else a sign-in has to be."""

    name_id_format: NameIdFormat = NameIdFormat.UNSPECIFIED
    email: Annotated[str, Field(max_length=256)] = ""
    name: Annotated[str, Field(max_length=256)] = ""
    first_name: Annotated[str, Field(max_length=256)] = ""
    last_name: Annotated[str, Field(max_length=256)] = ""
    groups: Annotated[str, Field(max_length=256)] = ""
    group: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=203)] = []
    role: Annotated[list[Role], Field(max_length=203)] = []
    otherwise: Role = "agent"
    just_in_time: bool = False
    sign_requests: bool = False
    want_response_signed: bool = False
    want_encrypted: bool = False
    force_authn: bool = False

    @classmethod
    def of(cls, connection: Connection, version: int) -> Self:
        """As the connection has it."""
        attributes, roles = connection.attributes, connection.attributes.roles
        return cls(
            version=version,
            name_id_format=connection.name_id_format,
            email=attributes.email,
            name=attributes.name,
            first_name=attributes.first_name,
            last_name=attributes.last_name,
            groups=attributes.groups,
            group=[one.group for one in roles],
            role=[one.role for one in roles],
            otherwise=attributes.otherwise,
            just_in_time=connection.just_in_time,
            sign_requests=connection.sign_requests,
            want_response_signed=connection.want_response_signed,
            want_encrypted=connection.want_encrypted,
            force_authn=connection.force_authn,
        )

    @property
    def rows(self) -> list[tuple[str, Role]]:
        """The groups and their roles, with room for more."""
        given = zip(self.group, self.role, strict=False)
        filled: list[tuple[str, Role]] = [(group.strip(), role) for group, role in given if group.strip()]
        room: list[tuple[str, Role]] = [("", "agent")] * EMPTY_ROWS
        return filled + room

    def applied_to(self, connection: Connection) -> Connection:
        """The connection with these in place of what it had; nothing of it has been looked at."""
        roles = tuple(GroupRole.model_construct(group=group, role=role) for group, role in self.rows if group)
        switches = ("just_in_time", "sign_requests", "want_response_signed", "want_encrypted", "force_authn")
        changes = {name: getattr(self, name) for name in ("name_id_format", *switches)}
        attributes = Attributes.model_construct(
            email=self.email.strip(),
            name=self.name.strip(),
            first_name=self.first_name.strip(),
            last_name=self.last_name.strip(),
            groups=self.groups.strip(),
            roles=roles,
            otherwise=self.otherwise,
        )
        return connection.model_copy(update={**changes, "attributes": attributes})


def _pem(certificate: str) -> str:
    lines = [certificate[at : at + 64] for at in range(0, len(certificate), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"])
