"""What a browser asks of the service provider: to be sent to its identity provider, and to be taken back from there."""

import base64
import hashlib
from urllib.parse import urlsplit

from pydantic import BaseModel
from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from control_plane.provisioning import resources
from control_plane.saml import sp_metadata
from control_plane.saml.judging import LARGEST_FORM
from control_plane.saml.sign_in import Cookie, Onward, Turned
from control_plane.ui import pages
from kit.web import Routes
from kit.web.subjects import Anyone

routes = Routes("saml")
ACS = "/saml/<key>/acs"  # to which identity providers' pages post: proved by the answer and its cookie

_MINUTE_S = 60
_SEND = "document.forms[0].submit()"
_SEND_DIGEST = base64.b64encode(hashlib.sha256(_SEND.encode()).digest()).decode()


class Wanted(BaseModel):
    """What metadata is asked for; some identity providers want it signed."""

    signed: bool = False


@routes.get("/saml/<key>/go/<handle>")
async def go(by: Anyone, key: str, handle: str) -> Response | Redirect:
    """On to the identity provider. Opened twice, by a scanner or by Back, it does the same."""
    return _on(await resources.current().sign_in.go(key, handle))


@routes.post(ACS)
async def acs(by: Anyone, key: str) -> Response | Redirect:
    """The identity provider's answer, carried here by the browser."""
    here = resources.current()
    most = here.settings.saml_answers_per_minute
    await here.rates.take("saml", here.unnamed(by.address), most=most, per_s=_MINUTE_S)
    done = await here.sign_in.finish(key, await _form(), request.cookies)
    return _on(done) if isinstance(done, Onward) else _page(done)


@routes.get("/saml/<key>/metadata")
async def metadata(by: Anyone, key: str, wanted: Wanted) -> Response:
    """About us, for the identity provider."""
    sign_in = resources.current().sign_in
    connection = sign_in.known.connection(sign_in.workspace(key))
    document = sp_metadata.metadata(sign_in.site, key, connection, sign_in.keys, signed=wanted.signed)
    return Response(document, content_type="application/samlmetadata+xml; charset=utf-8")


async def _form() -> bytes | None:
    """The form as it came; None as soon as it is larger than any answer."""
    sent = bytearray()
    if (request.content_length or 0) > LARGEST_FORM:
        return None
    async for piece in request.body:
        sent += piece
        if len(sent) > LARGEST_FORM:
            return None
    return bytes(sent)


def _on(onward: Onward) -> Response | Redirect:
    answer: Response | Redirect
    if onward.field:
        answer = pages.draw("saml/post.html", url=onward.url, field=onward.field, script=_SEND)
        # The form goes to the identity provider, which may send it on to others of its hosts.
        where = "https:" if urlsplit(onward.url).scheme == "https" else "https: http:"
        policy = pages.HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action {where}")
        answer.headers["Content-Security-Policy"] = f"{policy}; script-src 'sha256-{_SEND_DIGEST}'"
    else:
        answer = redirect(onward.url, 303)
        answer.headers["Cache-Control"] = "no-store"
    return _with(answer, onward.cookie)


def _page(turned: Turned) -> Response | Redirect:
    drawn = pages.draw(
        "saml/turned.html",
        turned.status,
        title=turned.title,
        text=turned.text,
        reference=turned.reference,
        url=turned.sign_in_url,
        hint=turned.hint,
    )
    return _with(drawn, turned.cookie)


def _with(answer: Response | Redirect, cookie: Cookie | None) -> Response | Redirect:
    if cookie is not None:
        # SameSite=None: the answer comes by a form of the identity provider's page.
        answer.set_cookie(
            cookie.name, cookie.value, max_age=cookie.life_s, secure=True, httponly=True, samesite="None", path="/"
        )
    return answer
