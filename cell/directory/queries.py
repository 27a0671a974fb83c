"""Statements about the directory for pages and other nouns; the fast ones are in `statements.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Delete,
    Select,
    Update,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import aliased

from cell.directory import reasons
from cell.directory.models import Address, Entry, Group, Line, Membership, ProvisioningToken, Reads, Upkeep
from kit.cursors import Cursor
from kit.database import now

# The log has no upper end: whoever looks into it looks at so many lines at a time.
SEARCHED = 10_000  # for a filter that no index answers
COUNTED = 10_000  # for the figures of a day
NEWEST_REFUSED = 2_000  # more than there are in a day of OFTEN, which has a line a minute
# A constant of the statement, as it is one of the index: with a parameter the index would not serve.
_REFUSED = Line.result == literal_column("'refused'")
_NEWEST_FIRST = (Line.at.desc(), Line.id.desc())


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
    """Of the next SEARCHED lines of the log those that a filter leaves; `attributes` are those that the text may mean.

    Newest first. With `result` "refused" the lines that are searched are those that were refused.
    """
    searched = _next_lines(before, refused=result == "refused").limit(SEARCHED).subquery()
    one = aliased(Line, searched)
    found = select(one).order_by(one.at.desc(), one.id.desc()).limit(limit)
    if result:
        found = found.where(one.result == result)
    if verb:
        found = found.where(one.verb == verb)
    if text:
        said = [part.icontains(text, autoescape=True) for part in (one.name, one.reason, one.asked, one.trace)]
        # What was changed is stored by our names, which nobody sees; why something was refused, as a sentence.
        said.append((one.result == "refused") & one.detail.icontains(text, autoescape=True))
        said += [one.detail.contains(name, autoescape=True) for name in attributes]
        found = found.where(or_(*said))
    return found


def last_searched(before: Cursor | None, *, refused: bool) -> Select[datetime, UUID]:
    """Where `lines` ended its search, and goes on; no row where it came to the end of the log."""
    line = _next_lines(before, refused=refused)
    return line.with_only_columns(Line.at, Line.id).offset(SEARCHED - 1).limit(1)


def _next_lines(before: Cursor | None, *, refused: bool) -> Select[Line]:
    found = select(Line).order_by(*_NEWEST_FIRST)
    if before is not None:
        found = found.where(tuple_(Line.at, Line.id) < tuple_(*before))
    return found.where(_REFUSED) if refused else found


def last_refused() -> Select[Line]:
    """The last that was refused for good, of the newest: whoever comes too often comes again."""
    one = aliased(Line, _next_lines(None, refused=True).limit(NEWEST_REFUSED).subquery())
    return select(one).where(one.reason != reasons.OFTEN).order_by(one.at.desc(), one.id.desc()).limit(1)


def changes(since: datetime) -> Select[int, int]:
    """How many lines there are, and how many of them are of requests that were done; COUNTED + 1 at most are looked at.

    Those are the newest."""
    newest = select(Line.result).where(Line.at >= since).order_by(*_NEWEST_FIRST).limit(COUNTED + 1).subquery()
    return select(func.count(), func.count().filter(newest.c.result != "refused")).select_from(newest)


def refusals(since: datetime) -> Select[int]:
    """How many were refused, without who came too often and comes again; COUNTED + 1 stands for more."""
    for_good = select(Line.id).where(_REFUSED, Line.at >= since, Line.reason != reasons.OFTEN)
    return select(func.count()).select_from(for_good.limit(COUNTED + 1).subquery())


def reads(since: datetime) -> Select[int]:
    """How often something was looked up; to the hour."""
    within = (Reads.hour > since - timedelta(hours=1), Reads.last_at >= since)  # the first by the index
    return select(cast(func.sum(Reads.count), BigInteger)).where(*within)


def upkeep() -> Select[Upkeep]:
    """Whether the daily job is waiting."""
    return select(Upkeep)


def any_line() -> Select[UUID]:
    """Whether the log has a line."""
    return select(Line.id).limit(1)


def old_lines(before: datetime, limit: int) -> Delete:
    """What the log kept for long enough, the oldest first."""
    oldest = select(Line.id).where(Line.at < before).order_by(Line.at, Line.id).limit(limit)
    return delete(Line).where(Line.id.in_(oldest)).execution_options(synchronize_session=False)


def old_reads(before: datetime) -> Delete:
    """The same of what was read."""
    return delete(Reads).where(Reads.hour < before)
