"""Who may do what: one table. A route names the permission that it needs in its signature; a role has what stands here.

@routes.post("/w/<key>/links")
async def create(by: Annotated[Member, Scope(Permission.LINKS_CHANGE)], key: str) -> Response:
"""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a workspace."""

    AGENT = "agent"
    AUDITOR = "auditor"
    ADMIN = "admin"
    OWNER = "owner"


class Permission(StrEnum):
    """One thing that a route may ask for."""

    OWN = "own"  # one's own sessions and password
    RECORDINGS_READ = "recordings:read"
    RECORDINGS_CHANGE = "recordings:change"
    LINKS_READ = "links:read"
    LINKS_CHANGE = "links:change"
    MEMBERS_READ = "members:read"  # invitations too
    MEMBERS_CHANGE = "members:change"
    OWNERS_CHANGE = "owners:change"  # making somebody an owner, and any act upon one
    TOKENS_READ = "tokens:read"
    TOKENS_CHANGE = "tokens:change"
    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    SECURITY_READ = "security:read"
    SECURITY_CHANGE = "security:change"
    SSO_READ = "sso:read"  # connections, domains and the log of sign-ins
    SSO_CHANGE = "sso:change"


_ALL = frozenset(Permission)
_READS = frozenset(one for one in Permission if one.value.endswith(":read"))

MAY: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset(
        {
            Permission.OWN,
            Permission.RECORDINGS_READ,
            Permission.RECORDINGS_CHANGE,
            Permission.LINKS_READ,
            Permission.LINKS_CHANGE,
        }
    ),
    Role.AUDITOR: _READS | {Permission.OWN, Permission.AUDIT_EXPORT},  # sees everything and changes nothing
    Role.ADMIN: _ALL - {Permission.OWNERS_CHANGE},
    Role.OWNER: _ALL,
}


def allowed(role: str) -> frozenset[Permission]:
    """What a role may do; a role that this version does not know may do nothing."""
    return MAY.get(Role(role), frozenset()) if role in set(Role) else frozenset()
