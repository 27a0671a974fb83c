"""Provisioning, for whoever may see or change it: tokens, guides, roles by group, the log, a dry run."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.directory import checking, credentials, queries, roles, views, wording
from cell.directory.guides import GUIDES
from cell.people import service as people
from cell.people.permissions import Permission, Role
from cell.sessions.subjects import Member
from cell.ui import forms, pages
from contracts.directory import Document
from contracts.directory_schema import Resource
from contracts.identity import Vendor
from kit import cursors
from kit.refusals import NotFound, Refusal
from kit.web import Routes, Scope
from kit.web.forms import filled
from kit.web.problems import STATUS, wants_page

routes = Routes("directory")

Reader = Annotated[Member, Scope(Permission.DIRECTORY_READ)]
Writer = Annotated[Member, Scope(Permission.DIRECTORY_CHANGE)]

PAGE = 50


class Filter(BaseModel):
    """Which lines of the log to show."""

    q: Annotated[str, Field(max_length=254)] = ""
    result: Literal["", "changed", "unchanged", "refused"] = ""
    verb: Literal["", "create", "replace", "patch", "erase"] = ""
    cursor: Annotated[str, Field(max_length=100)] = ""


class Wanted(BaseModel):
    """Which groups to show: whose names hold `q`, from the one that is called `after` on."""

    q: Annotated[str, Field(max_length=254)] = ""
    after: Annotated[str, Field(max_length=1024)] = ""


class Given(BaseModel):
    """The role that a group is to give; none where it is empty."""

    role: Literal["", "admin", "auditor", "agent"] = ""


class Checked(BaseModel):
    """As which token to look, and what is taken to be sent: a person, or a group."""

    token: UUID | None = None
    user_name: Annotated[str, Field(max_length=254)] = ""
    display_name: Annotated[str, Field(max_length=254)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    active: Literal["", "yes", "no"] = ""
    group: Annotated[str, Field(max_length=254)] = ""
    members: Annotated[str, Field(max_length=2000)] = ""

    def sent(self) -> checking.Sent | None:
        """What that comes to; None where nobody is named."""
        if self.group:
            members = tuple(one.strip() for one in self.members.split(",") if one.strip())
            return checking.Sent(Resource.GROUP, self.group, members=members)
        if not self.user_name:
            return None
        more: Document = {}
        if self.display_name:
            more["display_name"] = self.display_name
        if self.email:
            more["emails"] = [{"value": self.email, "type": "work", "primary": True}]
        if self.active:
            more["active"] = self.active == "yes"
        return checking.Sent(Resource.PERSON, self.user_name, more)


@routes.get("/w/<key>/directory")
async def show(by: Reader, key: str) -> Response:
    """How it stands, the address, and the tokens."""
    return await _page(by, 200)


@routes.post("/w/<key>/directory/tokens")
async def create(by: Writer, key: str) -> Response:
    """Make a token; its word is on the page that answers, and nowhere after."""
    form = await filled(credentials.NewToken)
    if form.value is None:
        return await _page(by, 422, form={**form.typed, "errors": forms.in_words(form.wrong)})
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            made = await credentials.create(tx, by.actor, key, form.value)
    except credentials.TooManyTokens as refusal:
        return await _refused(by, refusal)
    return await _page(by, 201, made={"name": made.token.name, "token": made.word.text})


@routes.post("/w/<key>/directory/tokens/<uuid:token_id>/rotate")
async def rotate(by: Writer, key: str, token_id: UUID) -> Response:
    """Make one in its place; both work until the old one ends."""
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            made = await credentials.rotate(tx, by.actor, key, token_id)
    except (credentials.TooManyTokens, credentials.TokenEnded) as refusal:
        return await _refused(by, refusal)
    return await _page(by, 201, made={"name": made.token.name, "token": made.word.text})


@routes.post("/w/<key>/directory/tokens/<uuid:token_id>/revoke")
async def revoke(by: Writer, key: str, token_id: UUID) -> Redirect:
    """End a token."""
    async with resources.current().database.writing(by.workspace_id) as tx:
        await credentials.revoke(tx, by.actor, token_id)
    return redirect(f"/w/{key}/directory", 303)


@routes.get("/w/<key>/directory/guides/<vendor>")
async def guide(by: Reader, key: str, vendor: str) -> Response:
    """What to do at one product."""
    found = GUIDES.get(Vendor(vendor)) if vendor in set(Vendor) else None
    if found is None:
        raise NotFound
    url = views.url(resources.current(), key)
    return pages.draw_for(by, "directory/guide.html", "directory", guide=found, url=url)


@routes.get("/w/<key>/directory/roles")
async def groups(by: Reader, key: str, wanted: Wanted) -> Response:
    """Which group gives which role."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.rows(queries.groups(wanted.q.strip(), wanted.after, PAGE + 1))
    shown = found[:PAGE]
    return pages.draw_for(
        by,
        "directory/roles.html",
        "directory",
        groups=[
            {"id": group.id, "name": group.document["display_name"], "role": group.role or "", "members": members}
            for group, members in shown
        ],
        q=wanted.q,
        after=shown[-1][0].display_name_norm if len(found) > PAGE else "",
        changes=Permission.DIRECTORY_CHANGE in by.may,
    )


@routes.post("/w/<key>/directory/groups/<uuid:group_id>/role")
async def give(by: Writer, key: str, group_id: UUID, given: Given) -> Redirect:
    """Have a group give a role, or none."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        await roles.link(tx, cell, by.actor, group_id, Role(given.role) if given.role else None)
    return redirect(f"/w/{key}/directory/roles", 303)


@routes.get("/w/<key>/directory/log")
async def log(by: Reader, key: str, wanted: Filter) -> Response:
    """What was asked for, newest first."""
    before, meant = cursors.decode(wanted.cursor), wording.meant(wanted.q)
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.all(queries.lines(before, PAGE + 1, wanted.q, wanted.result, wanted.verb, meant))
        names: dict[object, str] = {one.id: one.name for one in await tx.all(queries.tokens())}
        shown, onward = found[:PAGE], None
        if len(found) > PAGE:
            onward = (shown[-1].at, shown[-1].id)
        elif rest := await tx.rows(queries.last_searched(before, refused=wanted.result == "refused")):
            onward = (rest[0].at, rest[0].id)
        subjects = {one.subject_id for one in shown if one.resource == "person" and one.subject_id is not None}
        there = set(await people.names_of(tx, subjects))
    return pages.draw_for(
        by,
        "directory/log.html",
        "directory",
        lines=[views.line(one, names, there) for one in shown],
        filters={"q": wanted.q, "result": wanted.result, "verb": wanted.verb},
        next_cursor=cursors.encode(onward),
    )


@routes.get("/w/<key>/directory/check")
async def check(by: Reader, key: str, wanted: Checked) -> Response:
    """A dry run: what a token's identity provider sees, and what would become of what it sends."""
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        tokens = await tx.all(queries.tokens())
    chosen = next((one for one in tokens if one.id == wanted.token), tokens[0] if tokens else None)
    people = groups = outcome = None
    if chosen is not None:
        people = await checking.seen(cell, chosen, Resource.PERSON, wanted.user_name)
        groups = await checking.seen(cell, chosen, Resource.GROUP)
        sent = wanted.sent()
        outcome = await checking.outcome(cell, chosen, sent) if sent is not None else None
    return pages.draw_for(
        by,
        "directory/check.html",
        "directory",
        tokens=[(str(one.id), one.name) for one in tokens],
        chosen="" if chosen is None else str(chosen.id),
        sent=wanted,
        outcome=None if outcome is None else views.outcome(outcome),
        people_seen=None if people is None else views.seen(people),
        groups_seen=None if groups is None else views.seen(groups),
    )


async def _refused(by: Member, refusal: Refusal) -> Response:
    """People see the reason on the page where they were; scripts get the problem."""
    if not wants_page():
        raise refusal
    return await _page(by, STATUS[refusal.kind], refused=pages.told(refusal))


async def _page(by: Member, status: int, **extra: object) -> Response:
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        tokens = await tx.all(queries.tokens())
        health = await views.health(tx, tokens)
    more = {"made": None, "form": None, "refused": None, **extra}
    return pages.draw_for(
        by,
        "directory/overview.html",
        "directory",
        status,
        url=views.url(cell, by.workspace.key),
        tokens=[views.token(one) for one in tokens],
        health=health,
        guides=[(vendor.value, one.name) for vendor, one in GUIDES.items()],
        changes=Permission.DIRECTORY_CHANGE in by.may,
        **more,
    )
