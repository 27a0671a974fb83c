"""Who may do what: one table. A route names the permission that it needs in its signature; a role has what stands here.

@routes.post("/w/<key>/links")
async def create(by: Annotated[Member, Scope(Permission.LINKS_CHANGE)], key: str) -> Response:
"""

from datetime import timedelta
from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a workspace."""

    AGENT = "agent"
    AUDITOR = "auditor"
    ADMIN = "admin"
    OWNER = "owner"


class Permission(StrEnum):
    """One thing that a route may ask for."""

    PRESENCE = "presence"  # proving once more who one is, and leaving
    OWN = "own"  # one's own sessions and password
    OWN_FACTORS = "own:factors"  # looking at one's own second factors
    OWN_FACTORS_CHANGE = "own:factors-change"
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
    DIRECTORY_READ = "directory:read"  # provisioning: tokens, roles by group, the log
    DIRECTORY_CHANGE = "directory:change"


_ALL = frozenset(Permission)
_OWN = frozenset({Permission.PRESENCE, Permission.OWN, Permission.OWN_FACTORS, Permission.OWN_FACTORS_CHANGE})
_READS = frozenset(one for one in Permission if one.value.endswith(":read"))

MAY: dict[Role, frozenset[Permission]] = {
    Role.AGENT: _OWN
    | frozenset(
        {
            Permission.RECORDINGS_READ,
            Permission.RECORDINGS_CHANGE,
            Permission.LINKS_READ,
            Permission.LINKS_CHANGE,
        }
    ),
    Role.AUDITOR: _READS | _OWN | {Permission.AUDIT_EXPORT},  # sees everything and changes nothing
    Role.ADMIN: _ALL - {Permission.OWNERS_CHANGE},
    Role.OWNER: _ALL,
}

# What is done only by who has proved within FRESH_FOR that it is still them: whoever finds a browser open, or has
# stolen a session, changes nothing of this.
FRESH = frozenset(
    {
        Permission.OWN_FACTORS_CHANGE,
        Permission.MEMBERS_CHANGE,
        Permission.OWNERS_CHANGE,
        Permission.TOKENS_CHANGE,
        Permission.AUDIT_EXPORT,
        Permission.SECURITY_CHANGE,
        Permission.SSO_CHANGE,
        Permission.DIRECTORY_CHANGE,
    }
)
FRESH_FOR = timedelta(minutes=10)

# What an owner may only after signing in here. Admins choose whom single sign-on believes: with a provider of their own
# they would else come in as an owner, and stay one with a passkey of theirs.
SIGNED_IN_HERE = frozenset({Permission.OWNERS_CHANGE, Permission.OWN_FACTORS_CHANGE})

# What is open to who must have a second factor and has none yet: enough to get one, or to leave.
WITHOUT_FACTOR = frozenset({Permission.PRESENCE, Permission.OWN_FACTORS, Permission.OWN_FACTORS_CHANGE})


def allowed(role: str, *, elsewhere: bool = False) -> frozenset[Permission]:
    """What a role may do; a role that this version does not know may do nothing.

    `elsewhere`: of somebody whom the identity provider let in.
    """
    held = MAY.get(Role(role), frozenset()) if role in set(Role) else frozenset()
    return held - SIGNED_IN_HERE if elsewhere and role == Role.OWNER else held
