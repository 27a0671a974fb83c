"""What the pages of provisioning show."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cell.directory import checking, credentials, queries, reasons, values, wording
from cell.directory.models import Line, ProvisioningToken
from cell.resources import Cell
from cell.ui import pages
from contracts.directory_schema import Resource
from contracts.peers import PeerKind
from kit.database import Reading, now

DAY = timedelta(days=1)


def url(cell: Cell, key: str) -> str | None:
    """Where an identity provider sends its requests; None while the region's provisioning is not known."""
    found = [] if cell.feed is None else cell.feed.peers.of(PeerKind.PROVISIONING, cell.settings.region)
    return f"{found[0].url}/scim/v2/{key}" if found else None


async def health(tx: Reading, tokens: Sequence[ProvisioningToken]) -> dict[str, object]:
    """How it goes: off | waiting | good | refusing | silent, and the figures behind that."""
    since, moment = now() - DAY, now()
    living = [one for one in tokens if credentials.living(one, moment)]
    last = max((one.last_used_at for one in tokens if one.last_used_at is not None), default=None)
    refused = await tx.first(queries.last_refused())
    [(lines, changed)] = await tx.rows(queries.changes(since))
    refusals = await tx.one(queries.refusals(since))
    state = _state(bool(living), last, bool(refusals), since)
    ended = [one.name for one in tokens if one.refused_at is not None and one.refused_at > since and one not in living]
    return {
        "state": state,
        "last_at": last,
        "changed": _counted(changed, more=lines > queries.COUNTED),
        "refused": _counted(refusals, more=refusals > queries.COUNTED),
        "reads": await tx.first(queries.reads(since)) or 0,
        "people": await tx.one(queries.people_count()),
        "groups": await tx.one(queries.groups_count()),
        "last_refused": None if refused is None else line(refused, {}),
        "ended": ended,
    }


def _counted(found: int, *, more: bool) -> str:
    """A figure; where not all was counted, with the sign of "this many, and more"."""
    return f"{min(found, queries.COUNTED)}+" if more else str(found)


def _state(living: bool, last: datetime | None, refused: bool, since: datetime) -> str:
    if not living:
        return "off"
    if last is None:
        return "waiting"
    if refused:
        return "refusing"
    return "good" if last > since else "silent"


def token(one: ProvisioningToken) -> dict[str, object]:
    """A token, without what it is."""
    return {
        "id": one.id,
        "name": one.name,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "last_used_at": one.last_used_at,
        "revoked_at": one.revoked_at,
        "refused_at": one.refused_at,
        "lives": credentials.living(one, now()),
    }


def line(one: Line, tokens: dict[object, str], there: Collection[UUID] = ()) -> dict[str, object]:
    """A line of the log; `there` are people of the workspace, who have a page."""
    return {
        "id": one.id,
        "at": one.at,
        "token": tokens.get(one.token_id, ""),
        "asked": one.asked,
        "verb": one.verb,
        "resource": one.resource,
        "subject_id": one.subject_id,
        "name": one.name,
        "has_page": one.subject_id in there,
        "result": one.result,
        "reason": one.reason,
        "detail": _detail(one),
        "trace": one.trace,
        "hint": pages.gettext(reasons.hint(one.reason)) if one.reason else "",
    }


def seen(page: checking.Seen) -> dict[str, object]:
    """What a token sees: of each a name and what is known, attribute by attribute."""
    shown = [
        {"name": one.get("display_name") or one.get("user_name", ""), "lines": _lines(wording.described(one))}
        for one in page.documents
    ]
    return {"accepted": page.accepted, "total": page.total, "shown": shown}


def outcome(found: checking.Outcome) -> dict[str, object]:
    """What would become of what is sent; `fields` are those that would differ, with what they are now and then."""
    before, after = wording.described(found.before), wording.described(found.after)
    fields = [
        {"name": wording.named(name), "before": before.get(name, ""), "after": after.get(name, "")}
        for name in wording.NAMES
        if before.get(name) != after.get(name)
    ]
    return {
        "result": found.result,
        "group": found.resource is Resource.GROUP,
        "name": values.name_of(found.after) if found.after else "",
        "fields": fields if found.result != "refused" else [],
        "joined": found.joined,
        "off": found.before.get("active") is True and found.after.get("active") is False,
        "roles": found.roles[: checking.SHOWN],
        "more_roles": max(0, len(found.roles) - checking.SHOWN),
        "attribute": wording.named(found.attribute),
        "why": pages.gettext(found.detail) if found.detail else "",
        "hint": pages.gettext(found.hint),
    }


def _lines(described: dict[str, str]) -> list[tuple[str, str]]:
    return [(wording.named(name), value) for name, value in described.items()]


def _detail(one: Line) -> str:
    """Of a refusal a sentence, perhaps after the attribute's name; else what was changed."""
    if not one.detail:
        return ""
    if one.result != "refused":
        return wording.changed(one.detail)
    about, colon, sentence = one.detail.partition(": ")
    if colon and about.isidentifier():
        return f"{wording.named(about)}: {pages.gettext(sentence)}"
    return pages.gettext(one.detail)
