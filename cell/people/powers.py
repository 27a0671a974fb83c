"""What people can do from outside ends with the powers that it rests on, however many they are."""

from collections.abc import Mapping
from uuid import UUID

from cell.audit.acts import Act, Target
from cell.people.permissions import Permission
from kit.direct import DirectWriting

_END_TOKENS = """
UPDATE api_tokens SET revoked_at = now()
 WHERE workspace_id = $1 AND created_by = ANY($2::uuid[]) AND revoked_at IS NULL
RETURNING id
"""
# Of $2 all of them; of $3 those by which somebody becomes an owner.
_END_INVITATIONS = """
UPDATE invitations SET revoked_at = now()
 WHERE workspace_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
   AND (invited_by = ANY($2::uuid[]) OR invited_by = ANY($3::uuid[]) AND role = 'owner')
RETURNING id
"""


async def end(tx: DirectWriting, left: Mapping[UUID, frozenset[Permission]]) -> list[Act]:
    """End the tokens and the invitations of these people that what is left to them does not reach; for the log."""

    def without(power: Permission) -> list[UUID]:
        return [one for one, powers in left.items() if power not in powers]

    tokens = await tx.rows(_END_TOKENS, tx.workspace_id, without(Permission.TOKENS_CHANGE))
    invitations = await tx.rows(
        _END_INVITATIONS, tx.workspace_id, without(Permission.MEMBERS_CHANGE), without(Permission.OWNERS_CHANGE)
    )
    return [Act("token.revoke", Target("token", one["id"])) for one in tokens] + [
        Act("invitation.revoke", Target("invitation", one["id"])) for one in invitations
    ]
