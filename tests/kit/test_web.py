"""The frame of web processes: declared subjects, typed input, problems, same-origin writes, headers, health."""

from typing import Annotated, Any, Self

import pytest
from pydantic import BaseModel, Field
from quart import Quart, Response
from redis.exceptions import ConnectionError as RedisAway

from kit.refusals import Kind, Refusal, TooManyRequests
from kit.web import Routes, Scope
from kit.web.app import create_app
from kit.web.problems import STATUS
from kit.web.subjects import Anyone
from tests.cell.browser import PAGE, Browser
from tests.cell.lines import Logged

HOST = "eu-1.localhost:8001"
routes = Routes("things")


class Thing(BaseModel):
    name: Annotated[str, Field(min_length=2)]
    count: int = 1
    tags: list[str] = []


class TeapotCold(Refusal):
    kind = Kind.CONFLICT
    title = "The teapot is cold"
    detail = "Warm it."


class Somebody:
    """A subject that needs a scope."""

    def __init__(self, scope: Scope | None) -> None:
        self.scope = scope

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        return cls(scope)


@routes.get("/things/<int:number>")
async def show(by: Anyone, number: int) -> Thing:
    return Thing(name=by.address, count=number)


@routes.get("/things")
async def search(by: Anyone, wanted: Thing) -> Thing:
    return wanted


@routes.post("/things", status=201)
async def create(by: Annotated[Somebody, Scope("things:write")], new: Thing) -> Thing:
    return Thing(name=by.scope.name if by.scope else "", count=new.count, tags=new.tags)


@routes.post("/nothing", status=204)
async def nothing(by: Anyone) -> None:
    return None


@routes.get("/cold")
async def cold(by: Anyone) -> None:
    raise TeapotCold(temperature=12)


@routes.get("/busy")
async def busy(by: Anyone) -> None:
    raise TooManyRequests(retry_after_s=7)


@routes.get("/away")
async def away(by: Anyone) -> None:
    raise RedisAway("Error 111 connecting to redis:6379")


@routes.get("/broken")
async def broken(by: Anyone) -> None:
    raise RuntimeError("first line\nsecret-in-the-second")


async def page(status: int, refusal: Refusal) -> Response:
    return Response(f"<h1>{refusal.title}</h1>", status, content_type="text/html")


async def fine() -> None:
    return None


async def down() -> None:
    raise ConnectionError("password=secret")


def application(**checks: Any) -> Quart:
    app = create_app("test", page=page, checks=checks, headers={"X-Policy": "strict"})
    app.register_blueprint(routes.blueprint)
    return app


@pytest.fixture
def browser() -> Browser:
    return Browser(application(postgres=fine), HOST, {})


async def test_values_come_typed_from_path_query_form_and_json(browser: Browser) -> None:
    assert (await browser.get("/things/7")).json == {"name": browser.address, "count": 7, "tags": []}
    assert (await browser.get("/things?name=ab&tags=x&tags=y&count=")).json == {
        "name": "ab",
        "count": 1,
        "tags": ["x", "y"],
    }
    made = {"name": "things:write", "count": 3, "tags": ["x"]}
    as_json = await browser.post("/things", json={"name": "ab", "count": 3, "tags": ["x"]})
    as_form = await browser.post("/things", form={"name": "ab", "count": "3", "tags": "x"})
    assert as_json.status == as_form.status == 201
    assert as_json.json == as_form.json == made
    nothing = await browser.post("/nothing")
    assert (nothing.status, nothing.body) == (204, b"")


@pytest.mark.parametrize("body", [{"json": {"name": "x"}}, {"data": b"{not json"}, {}])
async def test_what_cannot_be_used_is_named_field_by_field(browser: Browser, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"} if "data" in body else {}
    answer = await browser.post("/things", headers=headers, **body)
    assert (answer.status, answer.slug) == (422, "invalid")
    assert answer.json["errors"][0].keys() == {"field", "problem"}


async def test_a_problem_has_the_form_of_rfc_9457_and_leads_to_the_log(browser: Browser) -> None:
    answer = await browser.get("/cold", headers={"X-Request-Id": "request-0001"})
    assert answer.json == {
        "type": "/problems/teapot-cold",
        "title": "The teapot is cold",
        "status": 409,
        "detail": "Warm it.",
        "reference": "request-0001",
        "temperature": 12,
    }
    assert answer.headers["X-Request-Id"] == "request-0001" and answer.headers["Cache-Control"] == "no-store"


async def test_a_person_gets_a_page_and_a_script_a_problem(browser: Browser) -> None:
    assert "<h1>The teapot is cold</h1>" in (await browser.page("/cold")).text
    assert (await browser.get("/cold", headers={**PAGE, "HX-Request": "true"})).slug == "teapot-cold"
    busy = await browser.page("/busy")
    assert (busy.status, busy.headers["Retry-After"]) == (429, "7")


async def test_a_failure_tells_the_log_where_and_nobody_why(browser: Browser, logged: Logged) -> None:
    answer = await browser.get("/broken")
    assert (answer.status, answer.slug) == (500, "failure") and "second" not in answer.text
    [line] = [line for line in logged.lines if line["event"] == "unexpected"]
    assert line["request_id"] == answer.json["reference"] == answer.headers["X-Request-Id"]
    assert "broken" in logged.text and "secret-in-the-second" not in logged.text


async def test_unknown_addresses_and_methods(browser: Browser) -> None:
    assert (await browser.get("/missing")).slug == "not-found"
    wrong = await browser.ask("DELETE", "/things")
    assert (wrong.status, wrong.slug) == (405, "unsuitable") and "POST" in wrong.headers["Allow"]


async def test_too_much_is_refused(browser: Browser) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await browser.post("/things", headers=headers, data=b"x" * (4 * 1024 * 1024 + 1))
    assert (answer.status, answer.slug) == (413, "unsuitable")


SAME = f"http://{HOST}"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": SAME}, True),
        ({"Origin": "", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "", "Authorization": "Bearer x"}, True),
        ({"Origin": ""}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://go.localhost:8000"}, False),
        ({"Origin": SAME, "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": SAME, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "", "Sec-Fetch-Site": "none"}, False),
        ({"Origin": "", "Authorization": "Basic x"}, False),
    ],
)
async def test_only_our_own_pages_change_anything(browser: Browser, headers: dict[str, str], allowed: bool) -> None:
    answer = await browser.post("/nothing", headers=headers)
    assert (answer.status == 204) is allowed
    if not allowed:
        assert (answer.status, answer.slug) == (403, "cross-origin")


async def test_a_server_that_is_away_is_later_and_no_fault_of_ours(browser: Browser) -> None:
    answer = await browser.get("/away")
    assert (answer.status, answer.slug) == (503, "server-away")
    assert int(answer.headers["Retry-After"]) > 0 and "redis" not in str(answer.json)


async def test_every_answer_carries_the_headers_and_an_id_of_its_own(browser: Browser) -> None:
    ids = set()
    for path in ("/things/1", "/missing", "/broken", "/cold", "/livez"):
        answer = await browser.get(path, headers={"X-Request-Id": "no spaces\tallowed"})
        assert answer.headers["X-Policy"] == "strict"
        ids.add(answer.headers["X-Request-Id"])
    assert len(ids) == 5 and "no spaces\tallowed" not in ids


async def test_health_names_what_is_down_and_not_why(browser: Browser) -> None:
    assert (await browser.get("/livez")).status == 200
    assert (await browser.get("/readyz")).json == {"ready": True, "down": {}}
    ill = Browser(application(postgres=fine, s3=down), HOST, {})
    answer = await ill.get("/readyz")
    assert answer.status == 503 and answer.json == {"ready": False, "down": {"s3": "ConnectionError"}}


def test_a_route_that_does_not_say_who_may_call_it_is_refused_at_start() -> None:
    async def forgotten(number: int) -> None:
        return None

    with pytest.raises(TypeError, match="does not declare who may call it"):
        Routes("other").get("/other")(forgotten)


def test_every_kind_of_refusal_has_a_status() -> None:
    assert set(STATUS) == set(Kind)
