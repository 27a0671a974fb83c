"""The second page of a sign-up, of the region: who asks. What is typed goes to the cell and is kept nowhere else."""

import secrets
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from contracts.keys import is_key
from contracts.placing import FirstAdmin, Placed, WorkspaceDiffers, WorkspaceUndone
from contracts.said import OneLine
from control_plane.provisioning import resources
from control_plane.provisioning.saga import SignUp
from control_plane.regions import MEANINGS
from control_plane.ui import pages
from kit.marking import N_
from kit.refusals import NotFound, Refusal
from kit.web import Routes
from kit.web.forms import filled
from kit.web.problems import STATUS
from kit.web.subjects import Anyone

routes = Routes("provisioning")
HOUR_S = 3600

_WRONG = {
    "company": N_("Say what your company is called, in up to 120 characters."),
    "name": N_("Say what you are called, in up to 120 characters."),
    "email": N_("This is not an e-mail address that a mail can be sent to."),
    "password": N_("Use between 12 and 200 characters."),
}


class Founder(BaseModel):
    """Who signs up."""

    company: OneLine
    name: OneLine
    email: Annotated[EmailStr, Field(max_length=254)]
    password: Annotated[str, Field(min_length=12, max_length=200)]


class Form(Founder):
    """What the form sends."""

    request_key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class NewSignUp(Founder):
    """What a program sends; `language` is that of the mail that asks the founder to confirm the address."""

    request_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    language: Literal["en", "de", "ar", "fr", "es"] = "en"


class SignedUp(BaseModel):
    """A workspace that is there, and where to sign in."""

    workspace_id: UUID
    key: str
    cell: str
    state: str
    url: str


@routes.get("/sign-up")
async def form(by: Anyone) -> Response:
    """The form, with a request key of its own."""
    return _form(200, secrets.token_hex(16), {}, {}, "")


@routes.post("/sign-up")
async def sign_up(by: Anyone) -> Response | Redirect:
    """Make the workspace; what cannot be used comes back with the reason, and sending it again is safe."""
    sent = await filled(Form)
    if sent.value is None:
        errors = {name: pages.gettext(words) for name, words in _WRONG.items() if name in sent.wrong}
        return _form(422, _key_of(sent.typed), sent.typed, errors, "")
    one = sent.value
    try:
        placed = await _make(by, one, one.request_key, pages.language())
    except (WorkspaceUndone, WorkspaceDiffers) as refusal:  # this form is spent: another key makes it a new one
        return _form(STATUS[refusal.kind], secrets.token_hex(16), sent.typed, {}, _words(refusal))
    except Refusal as refusal:
        return _form(STATUS[refusal.kind], one.request_key, sent.typed, {}, _words(refusal))
    return redirect(f"/sign-up/done/{placed.key}", 303)


@routes.post("/api/v1/sign-ups", status=201)
async def create(by: Anyone, new: NewSignUp) -> SignedUp:
    """The same for a program; repeated with the same request key it answers with the same workspace."""
    placed = await _make(by, new, new.request_key, new.language)
    return SignedUp(
        workspace_id=placed.workspace_id,
        key=placed.key,
        cell=placed.cell,
        state=placed.state.value,
        url=_sign_in_url(placed.key),
    )


@routes.get("/sign-up/done/<key>")
async def done(by: Anyone, key: str) -> Response:
    """Where to sign in."""
    if not is_key(key):
        raise NotFound
    return pages.draw("provisioning/done.html", url=_sign_in_url(key))


async def _make(by: Anyone, one: Founder, request_key: str, language: str) -> Placed:
    here = resources.current()
    await here.rates.take("sign-up", here.unnamed(by.address), most=here.settings.sign_ups_per_hour, per_s=HOUR_S)
    admin = FirstAdmin(email=one.email, name=one.name, password=one.password)
    return await here.sign_ups.sign_up(SignUp(request_key, one.company, admin, language))


def _sign_in_url(key: str) -> str:
    return f"{resources.current().settings.go_url}/{key}"


def _form(status: int, request_key: str, typed: dict[str, str], errors: dict[str, str], error: str) -> Response:
    return pages.draw(
        "provisioning/form.html",
        status,
        means=MEANINGS[resources.current().settings.region],
        request_key=request_key,
        typed=typed,
        errors=errors,
        error=error,
    )


def _key_of(typed: dict[str, str]) -> str:
    """The form's own key, if it is one of ours."""
    sent = str(typed.get("request_key", ""))
    return sent if len(sent) == 32 and sent.isalnum() else secrets.token_hex(16)


def _words(refusal: Refusal) -> str:
    return f"{pages.gettext(refusal.title)}. {pages.gettext(refusal.detail)}"
