"""Changing the connection: what the workspace wants is a row, a job tells the registry, the feed says it is in force.

Nobody can lock everybody out: people sign in by it alone once a test has succeeded with the connection as it is, and
an owner has a password.
"""

import asyncio
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from cell.actors import Actor
from cell.audit import service as audit
from cell.audit.acts import Details
from cell.people import queries as people
from cell.resources import Cell
from cell.sessions.ending import sign_out_local
from cell.sso import connections, journal, kinds, queries
from cell.sso.models import SsoSettings
from cell.workspaces import service as workspaces
from contracts.identity import Certificate, Connection, connection_of, connection_record
from kit.database import Reading, Writing, now
from kit.jobs import later
from kit.refusals import Kind, Refusal

ARRIVES_S = 2.0  # as long as a page waits for what it has changed
LOOK_S = 0.05


class ChangedMeanwhile(Refusal):
    """Somebody else changed the connection since the page was drawn."""

    kind = Kind.CONFLICT
    title = "Somebody else has changed the connection meanwhile"
    detail = "Nothing of yours was saved. Look at what is there now, then try again."


class NoConnection(Refusal):
    """There is none to change."""

    kind = Kind.CONFLICT
    title = "There is no connection yet"
    detail = "Begin with the metadata of your identity provider."


class NotTested(Refusal):
    """No test has succeeded with the connection as it is."""

    kind = Kind.CONFLICT
    title = "Test the connection as it is now first"
    detail = "The last successful test was with other settings, or there was none."


class NotSwitchedOn(Refusal):
    """People cannot be made to use what they cannot use."""

    kind = Kind.CONFLICT
    title = "Switch single sign-on on first"
    detail = "Let people use it beside their passwords for a while, then make it the only way in."


class NoOwnerWithPassword(Refusal):
    """Nobody could get in once the identity provider fails."""

    kind = Kind.CONFLICT
    title = "An owner with a password is needed first"
    detail = "Should your identity provider fail, an owner signs in with a password and mends it."


class LastCertificate(Refusal):
    """Without one no answer could be believed."""

    kind = Kind.CONFLICT
    title = "This is the last certificate"
    detail = "Add the new one first, then remove this one."


class MayLockOut(Refusal):
    """Single sign-on is the only way in, and its very root is about to be changed."""

    kind = Kind.CONFLICT
    title = "People may be unable to sign in after this"
    detail = (
        "Single sign-on is the only way in for everybody but owners. If what you enter is wrong, nobody else gets in "
        "until an owner mends it."
    )


class NameDiffers(Refusal):
    """What was typed to confirm is not the workspace's name."""

    kind = Kind.INVALID
    title = "This is not the workspace's name"
    detail = "Nothing has changed. Type the name as it stands on the page."


@dataclass(frozen=True)
class Standing:
    """How a workspace's single sign-on stands: as it is wanted, as it is in force, and whether a test succeeded."""

    wanted: Connection | None
    in_force: Connection | None
    version: int
    refused: str
    tested: bool

    @property
    def saving(self) -> bool:
        """Whether the registry has not said yet what is wanted."""
        return self.wanted != self.in_force


async def standing(tx: Reading, cell: Cell, key: str) -> Standing:
    """How it stands now."""
    row, in_force = await tx.first(queries.settings()), connections.of(cell, key)
    if row is None:
        return Standing(in_force, in_force, 0, "", tested=False)
    wanted = _read(key, row)
    tested = wanted is not None and row.tested == connections.fingerprint(wanted)
    return Standing(wanted, in_force, row.version, row.refused, tested)


async def save(
    tx: Writing, cell: Cell, key: str, by: Actor, version: int, change: Callable[[Connection | None], Connection]
) -> Connection:
    """Change what people sign in by; `change` makes the new connection of the old one.

    Raises ChangedMeanwhile where `version` is not that of what is there, and what `change` raises.
    """
    row = await _row(tx, cell, key, version)
    before = _read(key, row)
    after = change(before)
    if after != before:
        await _want(tx, row, after, by, "sso.save", {"changed": _changed(before, after), **_facts(after)})
    return after


async def enable(tx: Writing, cell: Cell, key: str, by: Actor, version: int) -> Connection:
    """Let people sign in by it, beside their passwords. Raises ChangedMeanwhile, NoConnection, NotTested."""
    row = await _row(tx, cell, key, version)
    before = _there(key, row)
    _refuse_untested(row, before)
    return await _switch(tx, row, before, by, "sso.enable", enabled=True)


async def enforce(tx: Writing, cell: Cell, key: str, by: Actor, version: int) -> Connection:
    """Make it the only way in for everybody but owners; who came in otherwise is signed out.

    Raises ChangedMeanwhile, NoConnection, NotSwitchedOn, NotTested, NoOwnerWithPassword.
    """
    row = await _row(tx, cell, key, version)
    before = _there(key, row)
    if not before.enabled:
        raise NotSwitchedOn
    _refuse_untested(row, before)
    if await tx.first(people.owners_with_password()) is None:
        raise NoOwnerWithPassword
    after = before.model_copy(update={"enforced": True})
    if after != before:
        signed_out = await sign_out_local(tx, cell.redis)
        await _want(tx, row, after, by, "sso.enforce", {**_facts(after), "signed_out": signed_out})
    return after


async def relax(tx: Writing, cell: Cell, key: str, by: Actor, version: int) -> Connection:
    """Let people use passwords again, at once. Raises ChangedMeanwhile, NoConnection."""
    row = await _row(tx, cell, key, version)
    return await _switch(tx, row, _there(key, row), by, "sso.relax", enforced=False)


async def disable(tx: Writing, cell: Cell, key: str, by: Actor, version: int) -> Connection:
    """Let nobody sign in by it; passwords count again, at once. Raises ChangedMeanwhile, NoConnection."""
    row = await _row(tx, cell, key, version)
    return await _switch(tx, row, _there(key, row), by, "sso.disable", enabled=False, enforced=False)


async def remove(tx: Writing, cell: Cell, key: str, by: Actor, version: int) -> None:
    """Forget the connection. Who people were there is kept, should it come back. Raises as `disable`."""
    row = await _row(tx, cell, key, version)
    before = _there(key, row)
    row.tested, row.tested_at = None, None
    await _want(tx, row, None, by, "sso.remove", _facts(before))


async def tested(tx: Writing, cell: Cell, key: str, by: Actor, connection: Connection) -> None:
    """A test with this connection has succeeded."""
    row = await _row(tx, cell, key, None)
    row.tested, row.tested_at = connections.fingerprint(connection), now()
    await audit.append(tx, by, "sso.test", audit.Target("sso", tx.workspace_id), _facts(connection))


def without(connection: Connection, fingerprint: str) -> Connection:
    """The connection without one certificate. Raises LastCertificate."""
    left = tuple(one for one in connection.certificates if of_certificate(one) != fingerprint)
    if not left:
        raise LastCertificate
    return connection.model_copy(update={"certificates": left})


async def note_refused(tx: Writing, by: Actor, host: str, why: str) -> None:
    """Note metadata that could not be used: the host that it came from (empty: a file), and why."""
    details: Details = {"from": host[:253], "reason": why[:500]}
    await audit.append(tx, by, "sso.refuse_metadata", audit.Target("sso", tx.workspace_id), details)


def shakes(before: Connection | None, after: Connection) -> bool:
    """Whether a change takes away what answers were believed by, while that is the only way in."""
    if before is None or not before.enforced:
        return False
    gone = {one.der for one in before.certificates} - {one.der for one in after.certificates}
    return before.idp_entity_id != after.idp_entity_id or bool(gone)


def of_certificate(certificate: Certificate) -> str:
    """The SHA-256 of a certificate, by which people compare it with the identity provider's page."""
    return sha256(b64decode(certificate.der)).hexdigest()


async def arrived(cell: Cell, key: str, wanted: Connection | None, within_s: float = ARRIVES_S) -> bool:
    """Whether what is wanted came to be in force while one waits."""
    deadline = time.monotonic() + within_s
    while connections.of(cell, key) != wanted:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_S)
    return True


async def _row(tx: Writing, cell: Cell, key: str, version: int | None) -> SsoSettings:
    """The row, while nobody else changes it or the people whose passwords it may need. Raises ChangedMeanwhile."""
    await workspaces.get_locked(tx)
    row = await tx.first(queries.settings().with_for_update())  # sign-ins that looked at it end first
    if version not in (None, 0 if row is None else row.version):
        raise ChangedMeanwhile
    if row is None:
        in_force = connections.of(cell, key)
        record = None if in_force is None else connection_record(in_force)
        row = SsoSettings(connection=record, version=0, saved_at=now(), refused="", warned=[])
        tx.add(row)
    return row


async def _switch(
    tx: Writing, row: SsoSettings, before: Connection, by: Actor, action: str, **switches: bool
) -> Connection:
    after = before.model_copy(update=switches)
    if after != before:
        await _want(tx, row, after, by, action, _facts(after))
    return after


async def _want(
    tx: Writing,
    row: SsoSettings,
    after: Connection | None,
    by: Actor,
    action: str,
    details: dict[str, str | int | bool | list[str]],
) -> None:
    row.connection = None if after is None else connection_record(after)
    row.version, row.saved_at, row.refused = row.version + 1, now(), ""
    await tx.flush()
    await audit.append(tx, by, action, audit.Target("sso", tx.workspace_id), details)
    later(tx, kinds.TELL)
    await journal.look_after(tx)


def _read(key: str, row: SsoSettings) -> Connection | None:
    return None if row.connection is None else connection_of(key, row.connection)


def _there(key: str, row: SsoSettings) -> Connection:
    found = _read(key, row)
    if found is None:
        raise NoConnection
    return found


def _refuse_untested(row: SsoSettings, connection: Connection) -> None:
    if row.tested != connections.fingerprint(connection):
        raise NotTested


def _facts(connection: Connection) -> dict[str, str | int | bool | list[str]]:
    """What the audit log says of a connection: nothing in it is secret or somebody's."""
    return {
        "idp": connection.idp_entity_id,
        "certificates": [of_certificate(one)[:16] for one in connection.certificates],
        "just_in_time": connection.just_in_time,
    }


def _changed(before: Connection | None, after: Connection) -> list[str]:
    if before is None:
        return ["all"]
    return [name for name in type(after).model_fields if getattr(before, name) != getattr(after, name)]
