"""Inviting people, for whoever may change members; and the page that an invitation's mail leads to."""

import re
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.directory.managing import DirectoryDecides
from cell.invitations import queries, service
from cell.invitations.models import Invitation
from cell.people import passwords
from cell.people import service as people
from cell.people.permissions import Permission, Role
from cell.sessions import browsers
from cell.sessions import service as sessions
from cell.sessions.arriving import signed_in
from cell.sessions.subjects import Member
from cell.sso.enforcing import enforced
from cell.ui import forms, pages
from cell.workspaces import service as workspaces
from contracts.tokens import Bearer, Kind
from kit.database import now
from kit.refusals import NotFound, Refusal
from kit.web import Routes, Scope
from kit.web.forms import filled
from kit.web.problems import STATUS, wants_page
from kit.web.subjects import Anyone

routes = Routes("invitations")

Reader = Annotated[Member, Scope(Permission.MEMBERS_READ)]
Writer = Annotated[Member, Scope(Permission.MEMBERS_CHANGE)]

SHOWN = 200
A_DAY, DAY_S = 300, 86_400  # mails of invitations of one workspace
_SECRET = re.compile(r"[0-9a-f]{64}")


class Shown(BaseModel):
    """How the page is to open."""

    new: Literal["", "1"] = ""  # with the form for a new one


class Joining(BaseModel):
    """What somebody says who accepts an invitation."""

    name: people.Name
    password: people.NewPassword


@routes.get("/w/<key>/invitations")
async def show(by: Reader, key: str, wanted: Shown) -> Response:
    """The invitations, those that wait for somebody first."""
    return await _page(by, 200, opened=bool(wanted.new))


@routes.post("/w/<key>/invitations")
async def create(by: Writer, key: str) -> Response | Redirect:
    """Invite somebody by mail."""
    cell = resources.current()
    form = await filled(service.NewInvitation)
    errors = forms.in_words(form.wrong)
    if form.value is not None:
        await cell.rates.take("invite", str(by.workspace_id), most=A_DAY, per_s=DAY_S)
        try:
            async with cell.database.writing(by.workspace_id) as tx:
                await service.create(tx, by.actor, form.value, pages.language())
            return redirect(f"/w/{key}/invitations", 303)
        except (people.AlreadyAMember, people.OnlyOwners, service.AlreadyInvited, DirectoryDecides) as refusal:
            errors = {"email": f"{pages.gettext(refusal.title)}. {pages.gettext(refusal.detail)}"}
    return await _page(by, 422, form={"email": "", "role": "", **form.typed, "errors": errors})


@routes.post("/w/<key>/invitations/<uuid:invitation_id>/resend")
async def resend(by: Writer, key: str, invitation_id: UUID) -> Response | Redirect:
    """Send another mail; the one before leads nowhere then."""
    cell = resources.current()
    await cell.rates.take("invite", str(by.workspace_id), most=A_DAY, per_s=DAY_S)
    try:
        async with cell.database.writing(by.workspace_id) as tx:
            await service.resend(tx, by.actor, invitation_id, pages.language())
    except (people.OnlyOwners, service.InvitationOver, DirectoryDecides) as refusal:
        return await _refused(by, refusal)
    return redirect(f"/w/{key}/invitations", 303)


@routes.post("/w/<key>/invitations/<uuid:invitation_id>/revoke")
async def revoke(by: Writer, key: str, invitation_id: UUID) -> Response | Redirect:
    """Take an invitation back."""
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            await service.revoke(tx, by.actor, invitation_id)
    except service.InvitationOver as refusal:
        return await _refused(by, refusal)
    return redirect(f"/w/{key}/invitations", 303)


@routes.get("/w/<key>/join/<secret>")
async def join_form(by: Anyone, key: str, secret: str) -> Response:
    """Where the mail leads. Opening it changes nothing: mail scanners open every link."""
    cell = resources.current()
    try:
        async with cell.database.reading(await workspaces.id_of(cell.database, key)) as tx:
            invitation = await service.presented(tx, _digest(key, secret))
    except service.InvitationOver as over:
        return await _over(key, over)
    return await _join(key, 200, secret, invitation)


@routes.post("/w/<key>/join/<secret>")
async def join(by: Anyone, key: str, secret: str) -> Response | Redirect:
    """Become a member, and be signed in."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    digest, form = _digest(key, secret), await filled(Joining)
    try:
        async with cell.database.reading(workspace_id) as tx:
            invitation, workspace = await service.presented(tx, digest), await workspaces.get(tx)
            alone = invitation.role != Role.OWNER and await enforced(tx, cell)
        if form.value is None or alone:
            return await _join(key, 422, secret, invitation, form.typed, forms.in_words(form.wrong))
        await passwords.refuse_weak(cell, form.value.password, form.value.name, invitation.email, workspace.name)
        prepared = await people.prepare(
            people.NewPerson(
                name=form.value.name,
                email=invitation.email,
                role=Role(invitation.role),
                password=form.value.password,
            )
        )
        async with cell.database.writing(workspace_id) as tx:
            person = await service.accept(tx, digest, prepared, by.address)
    except (service.InvitationOver, people.AlreadyAMember) as over:
        return await _over(key, over)
    except passwords.WeakPassword as weak:
        return await _join(key, 422, secret, invitation, form.typed, {"password": pages.gettext(weak.detail)})
    if not await sessions.password_allowed(cell, workspace_id, person):  # they come in another way from now on
        return redirect(f"/w/{key}/sign-in", 303)
    word = await sessions.begin(
        cell,
        key,
        workspace_id,
        person,
        how="password",
        **browsers.here(by.address),
    )
    answer = redirect(f"/w/{key}/library", 303)
    await signed_in(answer, cell, key, workspace_id, word, None)
    return answer


def _digest(key: str, secret: str) -> bytes:
    """The digest of a mail's word. Raises NotFound for what is none."""
    if not _SECRET.fullmatch(secret):
        raise NotFound
    return Bearer(Kind.INVITE, key, secret).digest


async def _refused(by: Member, refusal: Refusal) -> Response:
    """People see the reason on the page where they were; scripts get the problem."""
    if not wants_page():
        raise refusal
    return await _page(by, STATUS[refusal.kind], refused=pages.told(refusal))


async def _page(by: Member, status: int, **extra: object) -> Response:
    moment = now()
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.all(queries.newest_first(SHOWN))
        names = await people.names_of(tx, {one.invited_by for one in found})
    invitations = [
        {
            "id": one.id,
            "email": one.email,
            "role": one.role,
            "state": service.state_of(one, moment),
            "created_at": one.created_at,
            "expires_at": one.expires_at,
            "invited_by": names.get(one.invited_by, ""),
        }
        for one in found
    ]
    more = {"form": None, "refused": None, "opened": False, **extra}
    return pages.draw_for(by, "invitations/invitations.html", "people", status, invitations=invitations, **more)


async def _join(
    key: str,
    status: int,
    secret: str,
    invitation: Invitation,
    typed: dict[str, object] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    cell = resources.current()
    frame = await pages.frame_of(key)
    async with cell.database.reading(await workspaces.id_of(cell.database, key)) as tx:
        alone = invitation.role != Role.OWNER and await enforced(tx, cell)
    return pages.draw(
        "invitations/join.html",
        status,
        **frame,
        sso=alone,
        secret=secret,
        email=invitation.email,
        accepted=invitation.accepted_at is not None,
        name=(typed or {}).get("name", ""),
        errors=errors or {},
        over=None,
    )


async def _over(key: str, over: Refusal) -> Response:
    told = pages.told(over)
    frame = await pages.frame_of(key)
    return pages.draw("invitations/join.html", STATUS[over.kind], **frame, accepted=False, over=told)
