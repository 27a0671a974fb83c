"""The one place that knows HTTP: what each refusal is as a status, and problem+json (RFC 9457) or a page of it."""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from kit import logs, outages
from kit.refusals import Invalid, Kind, NotFound, Refusal

log = logs.get("web")

STATUS = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_LARGE: 413,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}

# Makes a page of a refusal for people: (status, refusal) -> answer
Page = Callable[[int, Refusal], Awaitable[Response]]


class Failure(Refusal):
    """We failed; the cause is in the log under the reference that the answer names."""

    kind = Kind.UNAVAILABLE
    title = "Something went wrong on our side"
    detail = "Nothing is lost. Try again; if it happens again, tell us the reference."


class ServerAway(Refusal):
    """Redis, S3 or a disk of ours does not answer, or takes nothing just now."""

    kind = Kind.UNAVAILABLE
    title = "This part of Cellcast is briefly unavailable"
    detail = "Nothing is lost. Try again in a moment."
    retry_after_s = 2


class Unsuitable(Refusal):
    """The request is not one that this address answers: wrong method, too large, malformed."""

    kind = Kind.INVALID
    title = "This request cannot be answered"
    detail = "Check the address and try again."


def invalid(error: ValidationError) -> Invalid:
    """A validation error as a refusal that names each field, without the values that were sent."""
    fields = [
        {"field": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])}
        for one in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return Invalid(errors=fields)


def wants_page() -> bool:
    """True where a person's browser navigates; scripts and machines get problem+json."""
    if request.path.startswith("/api/") or "HX-Request" in request.headers:
        return False
    return "text/html" in request.headers.get("Accept", "")


def register(app: Quart, page: Page, reference: Callable[[], str]) -> None:
    """Answer every refusal and every failure of `app`; `reference` is the id that leads to the log."""

    async def answer(refusal: Refusal, status: int) -> Response:
        headers = {"Cache-Control": "no-store"}
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        if wants_page():
            drawn = await page(status, refusal)
            drawn.headers.update(headers)
            return drawn
        body = {
            "type": f"/problems/{refusal.slug}",
            "title": refusal.title,
            "status": status,
            "detail": refusal.detail,
            "reference": reference(),
            **refusal.facts,
        }
        return Response(app.json.dumps(body), status, headers, content_type="application/problem+json")

    async def on_refusal(refusal: Refusal) -> Response:
        return await answer(refusal, STATUS[refusal.kind])

    async def on_http(error: HTTPException) -> Response:
        status = error.code or 400
        if status == STATUS[Kind.NOT_FOUND]:
            return await answer(NotFound(), status)
        response = await answer(Unsuitable(), status)
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    async def on_failure(error: Exception) -> Response:
        if outages.is_outage(error):
            log.warning("server away", error=type(error).__name__)
            return await on_refusal(ServerAway())
        log.error("unexpected", exc_info=error)
        return await answer(Failure(), 500)

    app.register_error_handler(Refusal, on_refusal)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_failure)
