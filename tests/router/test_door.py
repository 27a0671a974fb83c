"""The hot path: each state's answer, for people and for machines, and nowhere else than to our cells."""

import dataclasses
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from contracts.links import new_secret
from contracts.placements import State
from kit.guesses import Guesses
from kit.i18n import LANGUAGES
from kit.rowcounts import Counted
from kit.workers import Rows
from router.counts import TABLE
from router.door import Door, Guards
from router.pages import Pages
from tests.router.world import EU, FILES, KEYS, UNKNOWN_KEY, US, US_KEY, Asker, make_snapshot

KEY = KEYS[State.ACTIVE]
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
STATUS = {
    State.PROVISIONING: 404,
    State.FROZEN: 503,
    State.SUSPENDED: 403,
    State.DELETING: 410,
    State.DELETED: 410,
}


def link(key: str) -> str:
    return f"/{key}-{new_secret(key)}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_leads_to_its_cell(ask: Asker, method: str) -> None:
    for key, cell in ((KEY, EU), (US_KEY, US)):
        path = link(key)
        answered = await ask(path, method)
        assert (answered.status, answered.body) == (302, b"")
        assert answered.headers == {
            "location": f"{cell}/r{path}",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "content-length": "0",
        }


async def test_a_link_read_aloud_and_typed_in_capitals_leads_there_too(ask: Asker) -> None:
    path = link(KEY)
    for typed in (path.upper(), path + "/", path.replace("-", "%2D")):
        assert (await ask(typed)).headers["location"] == f"{EU}/r{path}"


@pytest.mark.parametrize(
    ("path", "query", "to"),
    [
        (f"/{KEY}", b"", f"/w/{KEY}/sign-in"),
        (f"/{KEY}/", b"", f"/w/{KEY}/sign-in"),
        (f"/w/{KEY}", b"", f"/w/{KEY}"),
        (f"/w/{KEY}/", b"", f"/w/{KEY}/"),
        (f"/w/{KEY}/library", b"", f"/w/{KEY}/library"),
        (
            f"/w/{KEY}/library/",
            b"q=a%20b&next=http://evil.example/",
            f"/w/{KEY}/library/?q=a%20b&next=http://evil.example/",
        ),
        (f"/w/{KEY}/tags/caf%C3%A9", b"", f"/w/{KEY}/tags/caf%C3%A9"),
        (f"/w/{KEY}/.well-known/x..y", b"", f"/w/{KEY}/.well-known/x..y"),
    ],
)
async def test_a_page_leads_to_the_same_page_of_the_cell(ask: Asker, path: str, query: bytes, to: str) -> None:
    answered = await ask(path, query=query)
    assert (answered.status, answered.headers["location"]) == (302, EU + to)


@pytest.mark.parametrize(
    "path",
    [
        f"/w/{KEY}//evil.example",
        f"/w/{KEY}/a//b",
        f"/w/{KEY}/../x",
        f"/w/{KEY}/a/..",
        f"/w/{KEY}/./a",
        f"/w/{KEY}/%2e%2e/x",
        f"/w/{KEY}/.%2E/x",
        f"/w/{KEY}/a%2fb",
        f"/w/{KEY}/a%2Fb",
        f"/w/{KEY}/a%5cb",
        f"/w/{KEY}/a\\b",
        f"/w/{KEY}/%252f",
        f"/w/{KEY}/%0d%0aSet-Cookie:x",
        f"/w/{KEY}/%00",
        f"/w/{KEY}/%ff",
        f"/w/{KEY}/%",
        f"/w/{KEY}/%zz",
        f"/w/{KEY}/%C2%85",
        f"/w/{KEY}/a b",
        f"/w/{KEY}/a\r\nb",
        f"/w/{KEY}/" + "a" * 5000,
        f"/w/{KEY}.evil.example",
        f"/w/{KEY}@evil.example",
        f"/w/{KEY}-x",
        "/w/",
        "//evil.example",
        "/\\evil.example",
        "http://evil.example/",
        "*",
        "",
        "/robots.txt",
        "/w",
    ],
)
async def test_an_odd_path_leads_nowhere(ask: Asker, path: str) -> None:
    answered = await ask(path)
    assert answered.status == 404
    assert "location" not in answered.headers


async def test_an_odd_query_leads_nowhere(ask: Asker) -> None:
    for query in (b"a b", b"a\r\nb", b"\xff", b"a" * 5000):
        assert (await ask(f"/w/{KEY}/x", query=query)).status == 404


@pytest.mark.parametrize("state", STATUS)
async def test_a_workspace_that_cannot_be_used_gets_a_page(ask: Asker, state: State) -> None:
    key = KEYS[state]
    for path in (link(key), f"/{key}", f"/w/{key}/library"):
        answered = await ask(path, accept=HTML)
        assert answered.status == STATUS[state]
        assert answered.headers["content-type"] == "text/html; charset=utf-8"
        assert answered.headers["cache-control"] == "no-store"
        assert ("retry-after" in answered.headers) == (state is State.FROZEN)
        assert "location" not in answered.headers
        assert len(answered.body) == int(answered.headers["content-length"])
        assert key not in answered.text


@pytest.mark.parametrize("state", STATUS)
async def test_a_machine_gets_a_problem(ask: Asker, state: State) -> None:
    key = KEYS[state]
    for path, accept in ((link(key), "application/json"), (f"/.well-known/cellcast/{key}", HTML)):
        answered = await ask(path, accept=accept)
        assert answered.status == STATUS[state]
        assert answered.headers["content-type"] == "application/problem+json"
        problem = json.loads(answered.body)
        assert problem["status"] == STATUS[state]
        assert problem["type"].startswith("/problems/")
        assert problem["title"]
        assert problem["detail"]


async def test_a_workspace_being_set_up_looks_like_none(ask: Asker) -> None:
    unknown = await ask(link(UNKNOWN_KEY), accept=HTML)
    assert unknown.status == 404
    assert (await ask(link(KEYS[State.PROVISIONING]), accept=HTML)).messages == unknown.messages


async def test_a_typo_has_its_own_words(ask: Asker) -> None:
    path = link(KEY)
    wrong = "b" if path[-1] != "b" else "c"
    for mistyped in (path[:-1] + wrong, path[:-3], path + "2"):
        answered = await ask(mistyped, accept=HTML)
        assert answered.status == 404
        assert "check the last characters" in answered.text
    assert "check the last characters" not in (await ask("/about", accept=HTML)).text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_is_in_the_visitors_language(ask: Asker, language: str) -> None:
    answered = await ask(f"/{UNKNOWN_KEY}", accept=HTML, accept_language=f"{language}, xx;q=0.1")
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in answered.text
    assert answered.headers["content-language"] == language
    assert ("There is nothing" in answered.text) == (language == "en")


async def test_a_page_is_locked_down(ask: Asker) -> None:
    answered = await ask("/nothing-here", accept=HTML)
    policy = answered.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in answered.text
    assert "style=" not in answered.text


async def test_head_is_get_without_the_body(ask: Asker) -> None:
    for path in (f"/{UNKNOWN_KEY}", f"/.well-known/cellcast/{KEY}", link(KEY)):
        got, headed = await ask(path), await ask(path, "HEAD")
        assert (headed.status, headed.headers, headed.body) == (got.status, got.headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
async def test_other_methods_are_refused_unread(ask: Asker, method: str) -> None:
    for path in (link(KEY), f"/w/{KEY}/x", "/", "/livez", f"/.well-known/cellcast/{KEY}"):
        answered = await ask(path, method)
        assert answered.status == 405
        assert answered.headers["allow"] == "GET, HEAD"
        assert "location" not in answered.headers


async def test_a_machine_learns_where_the_api_is(ask: Asker) -> None:
    answered = await ask(f"/.well-known/cellcast/{US_KEY}")
    assert answered.status == 200
    assert answered.headers["content-type"] == "application/json"
    assert json.loads(answered.body) == {"key": US_KEY, "region": "us", "api_base": f"{US}/api/v1"}


@pytest.mark.parametrize("odd", ["", "x", "UPPER", f"{KEY}/", "%00", "\xff"])
async def test_an_odd_key_is_a_problem_for_machines_too(ask: Asker, odd: str) -> None:
    answered = await ask(f"/.well-known/cellcast/{odd}", accept=HTML)
    assert (answered.status, answered.headers["content-type"]) == (404, "application/problem+json")


async def test_without_a_map_nobody_is_told_that_a_workspace_does_not_exist(ask: Asker) -> None:
    ask.snapshot = None
    for path in (link(KEY), f"/{UNKNOWN_KEY}", f"/.well-known/cellcast/{KEY}"):
        answered = await ask(path)
        assert answered.status == 503
        assert int(answered.headers["retry-after"]) > 0


async def test_its_own_pages(ask: Asker) -> None:
    home = await ask("/", accept=HTML)
    assert (home.status, "Show your screen" in home.text) == (200, True)
    assert (await ask("/livez")).status == 200
    assert (await ask("/static/a.css")).text == "a{}"
    assert (await ask("/static/b.css")).status == 404
    assert (await ask("/static/a.css", "HEAD")).body == b""


async def test_a_websocket_is_closed(ask: Asker) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "websocket", "raw_path": b"/", "headers": []}
    await ask.door(scope, None, send)  # type: ignore[arg-type]  # nothing is received
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_each_outcome_is_counted_and_nothing_is_logged(
    ask: Asker, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = CollectorRegistry()
    registry.register(Counted(rows, TABLE))

    def counted(outcome: str) -> float:
        return registry.get_sample_value("cellcast_router_requests_total", {"outcome": outcome}) or 0.0

    paths = {"led": link(KEY), "unknown": f"/{UNKNOWN_KEY}", "gone": f"/{KEYS[State.DELETED]}", "malformed": "/x"}
    for outcome, path in paths.items():
        before = counted(outcome)
        await ask(path)
        assert counted(outcome) == before + 1
    assert registry.get_sample_value("cellcast_router_request_seconds_count") == len(paths)
    assert capsys.readouterr() == ("", "")


async def test_health_says_how_old_the_map_is_and_is_ready_all_the_same(ask: Asker) -> None:
    assert ask.snapshot is not None
    ask.snapshot = dataclasses.replace(ask.snapshot, made_at=ask.snapshot.made_at - timedelta(days=3))
    answered = await ask("/readyz", host="10.0.0.7:8000")
    said = json.loads(answered.body)
    assert (answered.status, said["ready"], said["down"]) == (200, True, {})
    assert (said["feed"]["generation"], said["feed"]["n"]) == (1, 1)
    assert 3 * 86400 <= said["feed"]["age_s"] < 3 * 86400 + 60
    ask.snapshot = None
    answered = await ask("/readyz")
    assert (answered.status, json.loads(answered.body)["down"]) == (503, {"map": "NoMap"})


@pytest.mark.parametrize("host", ["go.localhost", "go.localhost:1", "GO.LocalHost:8000", "127.0.0.1:9", "[::1]:80"])
async def test_it_answers_to_its_own_names(ask: Asker, host: str) -> None:
    assert (await ask(link(KEY), host=host)).status == 302


@pytest.mark.parametrize(
    "host", ["evil.example", "", "go.localhost.evil.example", "go.localhost:x", "go.localhost:8000:1", "a@go.localhost"]
)
async def test_a_strange_host_leads_nowhere(ask: Asker, host: str) -> None:
    for path in (link(KEY), f"/w/{KEY}", "/", f"/.well-known/cellcast/{KEY}"):
        answered = await ask(path, host=host, accept=HTML)
        assert answered.status == 421
        assert "location" not in answered.headers
    assert (await ask("/livez", host=host)).status == 200


async def test_a_workspace_whose_cell_is_not_known_yet_is_not_denied(ask: Asker) -> None:
    ask.snapshot = dataclasses.replace(make_snapshot(), cells=())
    assert (await ask(link(KEY))).status == 503


async def test_who_guesses_keys_is_soon_told_nothing(ask: Asker, pages: Pages, rows: Rows, guards: Guards) -> None:
    ask.door = Door(ask, pages, FILES, guards._replace(guesses=Guesses(30)), rows.rows[0])
    assert (await ask(link(KEY))).status == 302
    unknown = [f"/{UNKNOWN_KEY[:-2]}{a}{b}" for a in "89bcdf" for b in "89bcdf"]
    statuses = [(await ask(path)).status for path in unknown]
    assert statuses == [404] * 30 + [429] * 6
    refused = await ask(link(US_KEY), accept=HTML)  # a good key, but that is not for a guesser to learn
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await ask(link(KEY))).status == 302  # whoever works behind this address works on
    ask.address = "192.0.2.2"
    assert (await ask(link(US_KEY))).status == 302


async def test_good_and_mistyped_links_are_never_counted(ask: Asker, pages: Pages, rows: Rows, guards: Guards) -> None:
    ask.door = Door(ask, pages, FILES, guards._replace(guesses=Guesses(5)), rows.rows[0])
    for _ in range(20):
        assert (await ask(link(KEY))).status == 302
        assert (await ask(link(KEYS[State.SUSPENDED]))).status == 403
        assert (await ask(link(UNKNOWN_KEY)[:-1])).status == 404
        assert (await ask("/robots.txt")).status == 404
    assert (await ask(link(US_KEY))).status == 302


_PIECES = st.one_of(
    st.sampled_from([b"/", b"//", b"w", b"/w/", KEY.encode(), link(KEY).encode(), b".well-known/cellcast/"]),
    st.sampled_from([b"..", b"%2f", b"%2e", b"%5C", b"%", b"\\", b"@", b"\r\n", b"\x00", b"%0d%0a", b"\xc3\xa9"]),
    st.sampled_from([b"evil.example", b"http:", b":", b"?", b"#"]),
)
_PATHS = st.one_of(
    st.binary(max_size=60),
    st.lists(st.one_of(_PIECES, st.binary(max_size=4)), max_size=8).map(b"".join),
    st.lists(_PIECES, max_size=8).map(lambda pieces: f"/w/{KEY}".encode() + b"".join(pieces)),
)


@given(
    path=_PATHS,
    query=st.binary(max_size=20),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    header=st.binary(max_size=20),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
async def test_any_bytes_get_an_answer_and_lead_to_our_cells_only(
    ask: Asker, path: bytes, query: bytes, method: str, header: bytes
) -> None:
    text = header.decode("latin-1").encode().decode()
    answered = await ask(path, method, query, accept=text, accept_language=text)
    assert answered.status in {200, 302, 404, 405}
    location = answered.headers.get("location")
    assert (answered.status == 302) == (location is not None)
    if location is not None:
        parts = urlsplit(location)
        assert f"{parts.scheme}://{parts.netloc}" == EU
        assert parts.path.startswith((f"/w/{KEY}", f"/r/{KEY}-"))
        assert all("!" <= character <= "~" for character in location)
        assert "//" not in parts.path
        assert not {".", ".."} & set(parts.path.lower().replace("%2e", ".").split("/"))
