"""The second page of a sign-up, of the region: who asks. What is typed goes to the cell and is kept nowhere else."""

import secrets
from typing import Annotated

from pydantic import BaseModel, EmailStr, Field
from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from contracts.keys import is_key
from contracts.operations import FirstAdmin, WorkspaceDiffers, WorkspaceUndone
from control_plane.provisioning import resources
from control_plane.provisioning.saga import SignUp
from control_plane.regions import NAMES
from control_plane.ui import pages
from kit.i18n import negotiate
from kit.refusals import NotFound, Refusal
from kit.web import Routes
from kit.web.forms import filled
from kit.web.problems import STATUS
from kit.web.subjects import Anyone

routes = Routes("provisioning")
HOUR_S = 3600

_WRONG = {
    "company": "Say what your company is called, in up to 120 characters.",
    "name": "Say what you are called, in up to 120 characters.",
    "email": "This is not an e-mail address that a mail can be sent to.",
    "password": "Use between 12 and 200 characters.",
}


class Form(BaseModel):
    """What the form sends."""

    company: Annotated[str, Field(min_length=1, max_length=120)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    email: Annotated[EmailStr, Field(max_length=254)]
    password: Annotated[str, Field(min_length=12, max_length=200)]
    request_key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@routes.get("/sign-up")
async def form(by: Anyone) -> Response:
    """The form, with a request key of its own."""
    return _form(200, secrets.token_hex(16), {}, {}, "")


@routes.post("/sign-up")
async def sign_up(by: Anyone) -> Response | Redirect:
    """Make the workspace; what cannot be used comes back with the reason, and sending it again is safe."""
    here = resources.current()
    sent = await filled(Form)
    if sent.value is None:
        errors = {name: words for name, words in _WRONG.items() if name in sent.wrong}
        return _form(422, _key_of(sent.typed), sent.typed, errors, "")
    await here.rates.take("sign-up", here.unnamed(by.address), most=here.settings.sign_ups_per_hour, per_s=HOUR_S)
    one = sent.value
    admin = FirstAdmin(email=one.email, name=one.name, password=one.password)
    language = negotiate(request.headers.get("Accept-Language", ""))
    try:
        placed = await here.sign_ups.sign_up(SignUp(one.request_key, one.company, admin, language))
    except (WorkspaceUndone, WorkspaceDiffers) as refusal:  # this form is spent: another key makes it a new one
        return _form(STATUS[refusal.kind], secrets.token_hex(16), sent.typed, {}, _words(refusal))
    except Refusal as refusal:
        return _form(STATUS[refusal.kind], one.request_key, sent.typed, {}, _words(refusal))
    return redirect(f"/sign-up/done/{placed.key}", 303)


@routes.get("/sign-up/done/<key>")
async def done(by: Anyone, key: str) -> Response:
    """Where to sign in."""
    if not is_key(key):
        raise NotFound
    return pages.draw("provisioning/done.html", url=f"{resources.current().settings.go_url}/{key}")


def _form(status: int, request_key: str, typed: dict[str, str], errors: dict[str, str], error: str) -> Response:
    region = resources.current().settings.region
    return pages.draw(
        "provisioning/form.html",
        status,
        region={"code": region, "name": NAMES[region]},
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
    return f"{refusal.title}. {refusal.detail}"
