"""The page by which a person has the links of their workspaces in this region sent to them. It says the same to all."""

from typing import Annotated

from pydantic import BaseModel, EmailStr, Field
from quart import Response

from contracts.signing_in import Find
from control_plane.provisioning import resources
from control_plane.ui import pages
from kit.web import Routes
from kit.web.forms import filled
from kit.web.subjects import Anyone

routes = Routes("find")
HOUR_S = 3600


class Form(BaseModel):
    """What the form sends."""

    email: Annotated[EmailStr, Field(max_length=254)]


@routes.get("/find")
async def form(by: Anyone) -> Response:
    """The form."""
    return _form(200, "", wrong=False)


@routes.post("/find")
async def find(by: Anyone) -> Response:
    """Take the address; whether anybody is known by it goes by mail to whoever reads it there."""
    sent = await filled(Form)
    if sent.value is None:
        return _form(422, str(sent.typed.get("email", ""))[:254], wrong=True)
    here = resources.current()
    address = here.unnamed(by.address)
    await here.rates.take("find", address, most=here.settings.finds_per_hour, per_s=HOUR_S)
    here.finding.begin(Find(email=sent.value.email, address=address, language=pages.language()))
    return pages.draw("provisioning/found.html", email=sent.value.email)


def _form(status: int, email: str, *, wrong: bool) -> Response:
    return pages.draw("provisioning/find.html", status, email=email, wrong=wrong)
