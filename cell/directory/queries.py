"""Statements about the directory for pages and other nouns; the fast ones are in `statements.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Delete, Select, Update, cast, delete, func, or_, select, tuple_, update

from cell.directory import reasons
from cell.directory.models import Address, Entry, Group, Line, Membership, ProvisioningToken, Reads, Upkeep
from kit.cursors import Cursor
from kit.database import now


def touched(person_id: UUID) -> Update:
    """Note that somebody was changed by others than the directory, if it has them."""
    return update(Entry).where(Entry.id == person_id).values(changed_at=now())


def forget(person_id: UUID) -> tuple[Delete | Update, ...]:
    """Whoever leaves the workspace is no longer in its directory, and their groups are others without them."""
    theirs = select(Membership.group_id).where(Membership.member_id == person_id)
    return (
        update(Group).where(Group.id.in_(theirs)).values(version=Group.version + 1, changed_at=now()),
        delete(Membership).where(Membership.member_id == person_id),
        delete(Address).where(Address.person_id == person_id),
        delete(Entry).where(Entry.id == person_id),
    )


def named(user_name_norm: str, external_id: str) -> Select[Entry]:
    """Whom the directory calls so: by user name first, else by external id."""
    by_name = Entry.user_name_norm == user_name_norm
    return select(Entry).where(or_(by_name, Entry.external_id == external_id)).order_by(by_name.desc())


def entry(person_id: UUID) -> Select[Entry]:
    """A person as the directory describes them."""
    return select(Entry).where(Entry.id == person_id)


def entries_named(user_names_norm: Collection[str]) -> Select[Entry]:
    """Whom the directory calls by one of these user names."""
    return select(Entry).where(Entry.user_name_norm.in_(user_names_norm))


def entry_named(user_name_norm: str) -> Select[Entry]:
    """Whom it calls by this one."""
    return entries_named([user_name_norm])


def group_named(display_name_norm: str) -> Select[Group]:
    """The group of that name."""
    return select(Group).where(Group.display_name_norm == display_name_norm)


def living(at: datetime) -> Select[ProvisioningToken]:
    """Tokens that may be used."""
    token = ProvisioningToken
    return select(token).where(token.revoked_at.is_(None), or_(token.expires_at.is_(None), token.expires_at > at))


def token(token_id: UUID) -> Select[ProvisioningToken]:
    """One token, living or not."""
    return select(ProvisioningToken).where(ProvisioningToken.id == token_id)


def tokens() -> Select[ProvisioningToken]:
    """All tokens, the newest first."""
    return select(ProvisioningToken).order_by(ProvisioningToken.created_at.desc(), ProvisioningToken.id)


def people_count() -> Select[int]:
    """How many people the directory keeps."""
    return select(func.count()).select_from(Entry)


def group(group_id: UUID) -> Select[Group]:
    """One group."""
    return select(Group).where(Group.id == group_id)


def group_with_role(person_id: UUID) -> Select[UUID]:
    """A group that gives this person a role."""
    of_group = (Membership.workspace_id == Group.workspace_id) & (Membership.group_id == Group.id)
    return (
        select(Group.id)
        .join(Membership, of_group)
        .where(Membership.member_id == person_id, Group.role.is_not(None))
        .limit(1)
    )


def groups(text: str, after: str, limit: int) -> Select[Group, int]:
    """Groups whose names hold a text, by name from the one `after` on, and how many are in each."""
    members = (
        select(func.count())
        .where(Membership.workspace_id == Group.workspace_id, Membership.group_id == Group.id)
        .scalar_subquery()
    )
    found = select(Group, members).order_by(Group.display_name_norm).limit(limit)
    if text:
        found = found.where(Group.display_name_norm.contains(text.lower(), autoescape=True))
    return found.where(Group.display_name_norm > after) if after else found


def groups_count() -> Select[int]:
    """How many groups there are."""
    return select(func.count()).select_from(Group)


def lines(
    before: Cursor | None, limit: int, text: str = "", result: str = "", verb: str = "", attributes: Sequence[str] = ()
) -> Select[Line]:
    """The newest lines of the log that a filter leaves, newest first; `attributes` are those that the text may mean."""
    found = select(Line).order_by(Line.at.desc(), Line.id.desc()).limit(limit)
    if before is not None:
        found = found.where(tuple_(Line.at, Line.id) < tuple_(*before))
    if result:
        found = found.where(Line.result == result)
    if verb:
        found = found.where(Line.verb == verb)
    if text:
        said = [one.icontains(text, autoescape=True) for one in (Line.name, Line.reason, Line.asked, Line.trace)]
        # What was changed is stored by our names, which nobody sees; why something was refused, as a sentence.
        said.append((Line.result == "refused") & Line.detail.icontains(text, autoescape=True))
        said += [Line.detail.contains(one, autoescape=True) for one in attributes]
        found = found.where(or_(*said))
    return found


def last_refused() -> Select[Line]:
    """The last that was refused for good: whoever comes too often comes again."""
    return select(Line).where(Line.result == "refused", Line.reason != reasons.OFTEN).order_by(Line.at.desc()).limit(1)


def results(since: datetime) -> Select[str, int]:
    """How many lines of each result there are, without those of who came too often and comes again."""
    return select(Line.result, func.count()).where(Line.at >= since, Line.reason != reasons.OFTEN).group_by(Line.result)


def reads(since: datetime) -> Select[int]:
    """How often something was looked up; to the hour."""
    return select(cast(func.sum(Reads.count), BigInteger)).where(Reads.last_at >= since)


def upkeep() -> Select[Upkeep]:
    """Whether the daily job is waiting."""
    return select(Upkeep)


def any_line() -> Select[UUID]:
    """Whether the log has a line."""
    return select(Line.id).limit(1)


def old_lines(before: datetime) -> Delete:
    """What the log kept for long enough."""
    return delete(Line).where(Line.at < before)


def old_reads(before: datetime) -> Delete:
    """The same of what was read."""
    return delete(Reads).where(Reads.hour < before)
