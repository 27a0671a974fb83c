"""A sign-in from the cell's word that one begins to the code that the browser carries back (docs/sign-in.md)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

from prometheus_client import Counter

from contracts.identity import Binding, Connection
from contracts.placements import Placement
from contracts.presets import NAMES
from contracts.signing_in import (
    IDENTITY_GIVE,
    SIGN_IN_LIFE_S,
    Answer,
    Attempt,
    Begin,
    HandOver,
    Purpose,
    SignInUnknown,
    SsoOff,
)
from control_plane.saml.content import SKEW
from control_plane.saml.judging import Arrived, Judges
from control_plane.saml.keys import KeyPair
from control_plane.saml.mapping import Mapped
from control_plane.saml.pending import Asked, Pending, cookie_name, request_id_of
from control_plane.saml.question import Assertion, Question
from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.reports import Reports
from control_plane.saml.requests import authn_request, post_field, redirect_url
from control_plane.saml.sp_metadata import Site
from kit import logs
from kit.calls import Calling
from kit.marking import N_
from kit.refusals import Kind, NotFound, Refusal

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # of a reference: none that is mistaken for another

ENDED = Counter("cellcast_saml_sign_ins_total", "Answers of identity providers by how they ended", ["outcome"])

log = logs.get("saml")


class Known(Protocol):
    """Whoever knows workspaces and their connections."""

    def get(self, key: str) -> Placement | None:
        """The workspace of that key, if it lives in this region."""
        ...

    def connection(self, placement: Placement) -> Connection | None:
        """Its connection."""
        ...

    def cell_url(self, placement: Placement) -> str | None:
        """Where browsers find its cell."""
        ...


@dataclass(frozen=True)
class Cookie:
    """One to set, or to drop where it has no value."""

    name: str
    value: str = ""
    life_s: int = 0


@dataclass(frozen=True)
class Onward:
    """The browser goes on to `url`; with a `field`, it posts it there as SAMLRequest."""

    url: str
    cookie: Cookie | None = None
    field: str = ""


@dataclass(frozen=True)
class Turned:
    """The person is told that it did not work. `reference` leads an admin to the log, `hint` is for an admin's test."""

    status: int
    title: str
    text: str
    reference: str
    sign_in_url: str
    hint: str = ""
    cookie: Cookie | None = None


@dataclass
class _Case:
    """One answer on its way through."""

    workspace: Placement
    reference: str
    at: datetime
    connection: Connection | None
    asked: Asked | None = None  # once a request of ours was found, of this workspace and this browser
    cookie: Cookie | None = None


class SignIn:
    """Sign-ins of a region's workspaces at their identity providers."""

    def __init__(
        self,
        site: Site,
        go_url: str,
        keys: Sequence[KeyPair],
        known: Known,
        pending: Pending,
        judges: Judges,
        calls: Calling,
        reports: Reports,
    ) -> None:
        self.site = site
        self.keys = tuple(keys)
        self.known = known
        self._go_url = go_url
        self._pending = pending
        self._judges = judges
        self._calls = calls
        self._reports = reports

    async def begin(self, begin: Begin) -> str:
        """The address to which the cell sends the browser. Raises SsoOff, MemoryAway."""
        workspace = self.workspace(begin.key)
        connection = self.known.connection(workspace)
        if workspace.workspace_id != begin.workspace_id or connection is None:
            raise SsoOff
        if not connection.enabled and begin.purpose is not Purpose.TEST:
            raise SsoOff
        asked = Asked(begin.workspace_id, begin.key, begin.nonce, begin.purpose, datetime.now(UTC))
        return self.site.go(begin.key, await self._pending.add(asked))

    async def go(self, key: str, handle: str) -> Onward:
        """To the identity provider, with our request; any number of times. Raises SignInUnknown, SsoOff, MemoryAway."""
        asked = await self._pending.look(handle)
        if asked is None or asked.key != key:
            raise SignInUnknown
        connection = self.known.connection(self.workspace(key))
        if connection is None:
            raise SsoOff
        request_id = request_id_of(handle)
        force = connection.force_authn or asked.purpose is Purpose.FRESH
        request = authn_request(connection, self.site.acs(key), request_id, force=force)
        cookie = Cookie(cookie_name(request_id), handle, SIGN_IN_LIFE_S)
        if connection.binding is Binding.POST:
            return Onward(connection.sso_url, cookie, post_field(connection, request, self.keys[0]))
        return Onward(redirect_url(connection, request, self.keys[0]), cookie)

    async def finish(self, key: str, form: bytes | None, cookies: Mapping[str, str]) -> Onward | Turned:
        """What becomes of an answer: on to the cell with a code, or told why not. `form` is None where it is too large.

        Raises Busy and MemoryAway before a request is used up, NotFound for a workspace that is none of this region.
        """
        workspace = self.workspace(key)
        case = _Case(workspace, _reference(), datetime.now(UTC), self.known.connection(workspace))
        try:
            if form is None:
                raise Refused(Reason.TOO_LARGE)
            arrived = await self._judges.open(form)
            if not arrived.request_id:
                # From a tile at the identity provider: it begins anew, at the cell, where a browser gets its nonce.
                ENDED.labels("restarted").inc()
                return Onward(f"{self.sign_in_url(key)}?sso=1")
            assertion = await self._believed(case, arrived, cookies)
            return await self._handed_over(case, assertion)
        except Refused as refused:
            return self._refused(case, refused)

    def workspace(self, key: str) -> Placement:
        """The workspace of that key. Raises NotFound for one that is none of this region."""
        found = self.known.get(key)
        if found is None:
            raise NotFound
        return found

    def sign_in_url(self, key: str) -> str:
        """The workspace's own sign-in page."""
        return f"{self._go_url}/w/{key}/sign-in"

    async def _believed(self, case: _Case, arrived: Arrived, cookies: Mapping[str, str]) -> Assertion:
        """The assertion, if all is right with it. Raises Refused, Busy, MemoryAway."""
        asked = await self._pending.take(arrived.request_id)
        if asked is None:
            raise Refused(Reason.REQUEST_UNKNOWN)
        if asked.workspace_id != case.workspace.workspace_id:
            raise Refused(Reason.OTHER_WORKSPACE)
        name = cookie_name(arrived.request_id)
        if request_id_of(cookies.get(name, "")) != arrived.request_id:
            raise Refused(Reason.OTHER_BROWSER)
        case.asked, case.cookie = asked, Cookie(name)
        if case.connection is None or not (case.connection.enabled or asked.purpose is Purpose.TEST):
            raise Refused(Reason.NO_CONNECTION)
        question = Question(
            answer=arrived.answer,
            connection=case.connection,
            acs_url=self.site.acs(asked.key),
            request_id=arrived.request_id,
            asked_at=asked.asked_at,
            now=case.at,
            force_authn=asked.purpose is Purpose.FRESH,
        )
        assertion = await self._judges.judge(question)
        until = assertion.ends_at + SKEW + timedelta(seconds=1)
        if not await self._pending.first_use(assertion.idp_entity_id, assertion.id, until):
            raise Refused(Reason.REPLAYED, summary=assertion.summary)
        return assertion

    async def _handed_over(self, case: _Case, assertion: Assertion) -> Onward | Turned:
        """Give the identity to the cell; its code goes with the browser."""
        asked, connection, cell = case.asked, case.connection, self.known.cell_url(case.workspace)
        if asked is None or connection is None or cell is None:
            raise Refused(Reason.CELL_AWAY, summary=assertion.summary)
        told = Mapped(connection, assertion)
        hand_over = HandOver(
            workspace_id=asked.workspace_id,
            reference=case.reference,
            nonce=asked.nonce,
            purpose=asked.purpose,
            idp_entity_id=assertion.idp_entity_id,
            name_id=assertion.name_id,
            name_id_format=assertion.name_id_format[:256],
            email=told.email,
            name=told.name,
            groups=told.groups,
            role=told.role,
            ends_at=assertion.session_ends_at,
            answer=assertion.summary,
        )
        try:
            handed = await self._calls.call(case.workspace.cell, IDENTITY_GIVE, hand_over)
        except Refusal as no:
            if no.kind is Kind.UNAVAILABLE:
                raise Refused(Reason.CELL_AWAY, summary=assertion.summary) from None
            # Most of all NotAdmitted; the cell's own log has it.
            ENDED.labels(no.slug).inc()
            return self._turned(case, 403, no.title, no.detail)
        ENDED.labels("handed-over").inc()
        complete = f"{cell}/w/{asked.key}/sign-in/complete?{urlencode({'code': handed.code})}"
        return Onward(complete, case.cookie)

    def _refused(self, case: _Case, refused: Refused) -> Turned:
        """Into the workspace's log, and in other words to the person."""
        reason, asked = refused.reason, case.asked
        hint = reason.hint(NAMES[case.connection.vendor] if case.connection is not None else "the identity provider")
        attempt = Attempt(
            reference=case.reference,
            at=case.at,
            purpose=None if asked is None else asked.purpose,
            reason=reason.code,
            hint=hint,
            answer=refused.summary or Answer(),
        )
        self._reports.add(case.workspace.workspace_id, attempt)
        ENDED.labels(reason.code).inc()
        log.info("sign-in refused", reason=reason.code, reference=case.reference, note=refused.note)
        test = asked is not None and asked.purpose is Purpose.TEST
        return self._turned(case, reason.status, N_("You are not signed in"), reason.text, hint if test else "")

    def _turned(self, case: _Case, status: int, title: str, text: str, hint: str = "") -> Turned:
        sign_in = self.sign_in_url(case.workspace.key)
        return Turned(status, title, text, case.reference, sign_in, hint, case.cookie)


def _reference() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(10))
