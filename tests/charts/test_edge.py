"""The edge's files, as they are in the chart, before a server of the test's own: nginx and the rules are Debian's."""

import json
import os
import re
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from kit import localhost
from kit.ports import free_port
from loadtest.attacks import Attack, attacks, passes
from observability import TARGET_LABELS
from observability.external import EXTERNAL, Read
from observability.promql import asked
from stack.certificates import Authority
from stack.errors import StackError
from stack.nginx import FILES, Edges, Front, command, find
from stack.processes import spawn
from tests.guards.test_queries import queries
from tests.servers.folders import server_folder
from tests.waiting import until

HOST = "eu-1.localhost"
UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
SECRET = "Opens0Every1Door2"
JSON, FORM = ({"Content-Type": f"application/{kind}"} for kind in ("json", "x-www-form-urlencoded"))
MASKED = {
    f"/r/acme-{SECRET}": "/r/acme-***",
    f"/r/acme-{SECRET}/recordings": "/r/acme-***/recordings",
    f"/acme-{SECRET}": "/acme-***",
    f"/w/acme/library?code={SECRET}&email=ada@acme.example": "/w/acme/library",
    f"/w/acme/join/{SECRET}": "/w/acme/join/***",
    f"/w/acme/reset/{SECRET}": "/w/acme/reset/***",
    f"/w/acme/confirm/{SECRET}": "/w/acme/confirm/***",
    f"/saml/acme/go/{SECRET}?state={SECRET}": "/saml/acme/go/***",
    "/scim/v2/acme/Users/ada@acme.example": "/scim/v2/acme/Users/***",
    f"/scim/v2/acme/Users/{UUID}": f"/scim/v2/acme/Users/{UUID}",
    "/w/acme/events": "/w/acme/events",
    "/sign-in?domain=acme.example": "/sign-in",
}


# What people write, as it stands in tickets.
WRITTEN = (
    "The total changes when I go back",
    "It's \"O'Brien & <Söhne>\"; can't log in -- why?",
    "SELECT * FROM carts WHERE id = 1 OR 1=1; -- fails with ORA-00933",
    "<script src=app.js> is not loaded, alert(1) shows",
    "cat /etc/hosts; rm -rf node_modules && npm install | tee log",
    "https://acme.zendesk.com/agent/tickets/4711?tab=1#c2",
    "C:\\Windows\\system32 and ../../up, %PATH% and ${HOME}",
    "Schritte:\r\n1. öffnen\r\n2. warten\r\nHTTP/1.1 500",
    "يتغير المجموع عندما أعود",
)
# Where they write it: path, fields.
PLACES = (
    ("/w/acme/links", ("title", "note", "ticket")),
    ("/w/acme/recordings/1b4e28ba-2fa1-11d2-883f-0016d3cca427/rename", ("title",)),
    ("/w/acme/sign-in", ("password",)),
    ("/w/acme/account/password", ("current", "password")),
    ("/sign-up", ("password",)),
)
FILTERS = ('userName eq "ada@acme.example"', 'emails[type eq "work"].value co "o\'b" and not (active eq false)')


GONE, BUSY = "/w/gone", "/w/busy"  # where what is behind ends without an answer, and where it answers 503


class Edge:
    """A running edge: ask it, and read what it logged."""

    def __init__(self, pid: int, port: int, trust: ssl.SSLContext, log: Path, metrics: int) -> None:
        self.pid, self.port, self.trust, self._log, self._metrics = pid, port, trust, log, metrics

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str]]:
        """The status of an answer, and what the process behind was sent; that is empty where it was sent nothing.

        A header that is empty is not sent.
        """
        status, answered, _ = self.answer(path, method, body, **headers)
        return status, json.loads(answered.get("X-Heard", "{}"))

    def answer(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, Message, str]:
        """Status, headers and body of an answer."""
        sent = {"User-Agent": "Mozilla/5.0", "Accept": "*/*", **headers}
        line = localhost.connection(f"https://{HOST}:{self.port}", 20)
        try:
            line.request(method, path, body, {name: value for name, value in sent.items() if value})
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            line.close()

    def said(self, **facts: object) -> dict[str, Any]:
        """The first line of the log with these facts, once it is there."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            lines = [json.loads(one) for one in self._log.read_text().splitlines() if one.startswith("{")]
            found[:] = [one for one in lines if facts.items() <= one.items()]
            return bool(found)

        until(there, 20)
        return found[0]

    def all_said(self) -> str:
        """The whole log."""
        return self._log.read_text()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The events of a kind, of the whole log."""
        lines = [json.loads(one) for one in self.all_said().splitlines() if one.startswith("{")]
        return [one for one in lines if one["event"] == event]

    def counted(self) -> dict[str, list[Sample]]:
        """What a scrape sees, by name."""
        with urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=20) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        samples = [one for family in families for one in family.samples]
        return {name: [one for one in samples if one.name == name] for name in {one.name for one in samples}}


class _Behind(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == GONE:
            self.close_connection = True
            return
        self.send_response(503 if self.path == BUSY else 200)
        self.send_header("X-Heard", json.dumps(dict(self.headers)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    try:
        programs = find()
    except StackError as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))
    behind = ThreadingHTTPServer(("127.0.0.1", 0), _Behind)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    port, metrics = free_port(), free_port()
    upstream = f"127.0.0.1:{behind.server_address[1]}"
    front = Front("edge", HOST, f"127.0.0.1:{port}", upstream, f"127.0.0.1:{metrics}")
    with server_folder("edge") as folder:
        authority = Authority(folder / "tls")
        localhost.trusted().load_verify_locations(authority.certificate)
        process = spawn(command(Edges(programs, authority), front, folder / "nginx"), folder / "log")
        made = Edge(
            process.pid, port, ssl.create_default_context(cafile=authority.certificate), folder / "log", metrics
        )
        try:
            until(lambda: process.poll() is not None or _answers(made), 30)
            assert process.poll() is None, made.all_said()
            yield made
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            behind.shutdown()


def _answers(edge: Edge) -> bool:
    try:
        return edge.ask("/edgez")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize(("path", "logged"), MASKED.items())
def test_what_people_ask_for_passes_and_leaves_no_secret_in_the_log(edge: Edge, path: str, logged: str) -> None:
    status, heard = edge.ask(path)
    assert status == 200
    line = edge.said(event="request", request_id=heard["X-Request-Id"])
    assert line["path"] == logged and line["method"] == "GET" and line["status"] == 200
    assert SECRET not in edge.all_said() and "ada@" not in edge.all_said()


@pytest.mark.parametrize("attack", attacks(), ids=lambda one: re.sub(r"[^a-z0-9]+", "-", one.name.lower()))
def test_no_attack_gets_through(edge: Edge, attack: Attack) -> None:
    assert not passes(attack, edge.port, HOST, edge.trust)


def test_a_block_is_an_event_with_the_rules_that_led_to_it_and_nothing_that_was_sent(edge: Edge) -> None:
    attack = quote(f"1' OR '1'='1 -- {SECRET} ada@acme.example")
    assert edge.ask(f"/w/acme/join/{SECRET}?page={attack}&mail={'x' * 2500}ada@acme.example") == (403, {})
    blocked = edge.said(event="blocked", path="/w/acme/join/***")
    assert blocked["rule"] == 949110 and blocked["status"] == 403 and blocked["score"] >= 5
    assert edge.said(event="matched", request_id=blocked["request_id"], rule=942100)["where"] == "ARGS:page"
    assert edge.said(event="request", request_id=blocked["request_id"])["status"] == 403
    assert SECRET not in edge.all_said() and "ada@" not in edge.all_said()


def logged(edge: Edge) -> dict[str, float]:
    """What the log's lines come to."""
    requests = edge.lines("request")
    found = Counter(f"{one['by']} {one['status'] // 100}xx" for one in requests)
    found["timed"] = sum(not one["path"].endswith("/events") for one in requests)  # the others are streams
    return {**found, **{event: len(edge.lines(event)) for event in ("matched", "blocked", "nginx")}}


def counted(edge: Edge) -> dict[str, float]:
    """The same, as the edge has counted it."""
    seen = edge.counted()
    total = {name: sum(one.value for one in samples) for name, samples in seen.items()}
    requests = {f"{one.labels['by']} {one.labels['status']}": one.value for one in seen["cellcast_edge_requests_total"]}
    return {
        **{key: number for key, number in requests.items() if number},
        "timed": total["cellcast_edge_request_seconds_count"],
        "matched": total["cellcast_edge_matched_total"],
        "blocked": total["cellcast_edge_blocked_total"],
        "nginx": total["cellcast_edge_said_total"],
    }


def test_what_is_in_the_log_is_counted(edge: Edge) -> None:
    """Each of the counts is that of its lines, five seconds after the last of them at most."""
    assert (edge.ask(GONE)[0], edge.ask(BUSY)[0], edge.ask("/readyz")[0]) == (502, 503, 404)
    assert edge.ask(f"{ATTACK}&code={SECRET}")[0] == 403
    wanted = ("edge 5xx", "behind 5xx", "edge 4xx", "timed", "matched", "blocked", "nginx")
    until(
        lambda: all(logged(edge).get(one) for one in wanted) and counted(edge) == logged(edge),
        30,
        lambda: f"{counted(edge)}, and the log has {logged(edge)}",
    )
    seen = edge.counted()
    blocked = {one.labels["family"]: one.value for one in seen["cellcast_edge_blocked_total"]}
    assert blocked["sql"] + blocked["xss"] >= 1
    assert seen["cellcast_edge_connections"][0].value >= 1
    assert abs(seen["process_start_time_seconds"][0].value - time.time()) < 3600


def test_what_is_counted_has_a_source_and_words_of_ours_for_labels(edge: Edge) -> None:
    seen = edge.counted()
    edges = {name for name, source in EXTERNAL.items() if source.read is Read.EDGE}
    assert edges <= seen.keys(), "nobody counts it"
    for _, query in queries():
        for one in asked(query):
            if one.metric in edges:
                assert one.labels <= {*seen[one.metric][0].labels, *TARGET_LABELS}, query
    for name, samples in seen.items():
        assert name.startswith("cellcast_edge_") or name in EXTERNAL
        assert len(samples) <= 20, f"{name}: keep its labels to a handful of words"


ATTACK = "/w/acme?page=" + quote("1' OR '1'='1 -- <script>")


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
def test_who_is_stopped_reads_why_and_what_to_do(edge: Edge, language: str) -> None:
    asked = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": f"{language}-XX,{language};q=0.9"}
    status, headers, page = edge.answer(ATTACK, **asked)
    assert (status, headers.get_content_type()) == (403, "text/html")
    title = {"en": "This request was stopped", "de": "Diese Anfrage wurde angehalten"}.get(language, "<h1 dir")
    assert f'<html lang="{language}">' in page and title in page and "<script" not in page
    number = page.partition("<code>")[2].partition("</code>")[0]
    assert edge.said(event="blocked", request_id=number)["status"] == 403


def test_a_program_that_is_stopped_gets_a_problem(edge: Edge) -> None:
    status, headers, said = edge.answer(ATTACK, **JSON)
    problem = json.loads(said)
    assert (status, headers.get_content_type(), problem["status"]) == (403, "application/problem+json", 403)
    assert problem["title"] == "This request was stopped" and edge.said(request_id=problem["request_id"])
    status, _, said = edge.answer("/api/v1/links", "POST", json.dumps({"title": "x" * 6_000_000}), **JSON)
    assert (status, json.loads(said)["title"]) == (413, "This is too much at once")


def test_each_language_has_all_that_the_edge_says() -> None:
    maps = re.findall(r"^map \$tongue \$\w+ \{\n(.*?)^\}", (FILES / "words.conf").read_text(), re.DOTALL | re.MULTILINE)
    assert len(maps) == 6
    for one in maps:
        assert re.findall(r"^ +(\w+) ", one, re.MULTILINE) == ["de", "fr", "es", "ar", "default"]


def test_every_line_is_an_event_even_of_what_nobody_can_read(edge: Edge) -> None:
    odd = quote('"]\\" [id "1"] [uri "/x"] <script>alert(1)</script>\n\x00')
    for path in (f"/w/{odd}", f"/w/acme?{odd}={odd}", f"/r/acme-{SECRET}{odd}", f"/w/acme/join/{SECRET}{odd}/x"):
        edge.ask(path)
    edge.ask("/w/odd")
    edge.said(path="/w/odd")
    lines = [one for one in edge.all_said().splitlines() if "[notice]" not in one]  # of nginx before it has its logs
    assert {json.loads(line)["event"] for line in lines} <= {"request", "matched", "blocked", "nginx"}
    assert SECRET not in edge.all_said()


@pytest.mark.parametrize(("path", "fields"), PLACES)
def test_what_people_write_passes_where_they_write_it(edge: Edge, path: str, fields: tuple[str, ...]) -> None:
    for text in WRITTEN:
        body = "&".join(f"{field}={quote(text)}" for field in fields)
        assert edge.ask(path, "POST", body, **FORM)[0] == 200, text


def test_what_programs_write_and_people_look_for_passes(edge: Edge) -> None:
    for text in WRITTEN:
        link = json.dumps({"title": text, "note": text, "ticket": text, "allows": ["screen"]})
        assert edge.ask("/api/v1/links", "POST", link, **JSON)[0] == 200, text
        if "../" not in text:  # an address with that in it is refused, whatever it means
            assert edge.ask(f"/w/acme/library?q={quote(text)}")[0] == 200, text
            found = f"https://{HOST}/w/acme/library?q={quote(text)}"
            assert edge.ask("/w/acme/events", Referer=found)[0] == 200, text
    for one in FILTERS:
        assert edge.ask(f"/scim/v2/acme/Users?filter={quote(one)}&startIndex=1&count=100")[0] == 200, one
    provider = (
        f"url={quote('https://login.microsoftonline.com/4711/federationmetadata/2007-06/federationmetadata.xml')}"
    )
    assert edge.ask("/w/acme/sso/provider?vendor=entra", "POST", provider, **FORM)[0] == 200


def test_the_same_is_an_attack_anywhere_else(edge: Edge) -> None:
    for text in WRITTEN[2:5]:
        assert edge.ask("/w/acme/people", "POST", f"title={quote(text)}", **FORM) == (403, {})
        assert edge.ask("/w/acme/links", "POST", f"titles={quote(text)}", **FORM) == (403, {})


NAMELESS = {"User-Agent": "", "Accept": ""}
SCIM_NAMES = ("R&D -- select team", "Ops; ls", "../ops", "Union Select Committee", "$(team)", "O'; or 1=1--")
SCIM_FILTERS = ('userName eq "ada@acme.example"', 'externalId eq "58342554"', 'displayName eq "Support"')


def test_identity_providers_pass_with_any_name_and_without_a_user_agent(edge: Edge) -> None:
    content = {"Content-Type": "application/scim+json", "Authorization": "Bearer ccd_abcdefgh_" + "a" * 64}
    for text in (*SCIM_FILTERS, *(f'displayName eq "{name}"' for name in SCIM_NAMES if "../" not in name)):
        path = f"/scim/v2/acme/Groups?filter={quote(text)}&excludedAttributes=members"
        assert edge.ask(path, **content, **NAMELESS)[0] == 200, text
    for name in SCIM_NAMES:
        body = json.dumps({"displayName": name, "members": [{"value": UUID}]})
        assert edge.ask("/scim/v2/acme/Groups", "POST", body, **content, **NAMELESS)[0] == 200, name


def test_what_programs_send_passes(edge: Edge) -> None:
    scim = '{"Operations":[{"op":"replace","path":"active","value":false}]}'
    assert edge.ask("/scim/v2/acme/Users/1", "PATCH", scim, **{"Content-Type": "application/scim+json"})[0] == 200
    assert edge.ask("/api/v1/links", "PUT", '{"title":"a"}', **JSON)[0] == 200
    assert edge.ask("/w/acme/sign-in", "POST", "password=" + quote("x' or 1=1;--<script>"), **FORM)[0] == 200


def test_the_process_behind_hears_who_asks_from_the_edge_alone(edge: Edge) -> None:
    said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Request-Id": "of-somebody-else"}
    _, heard = edge.ask("/w/acme", **said)
    assert heard["X-Forwarded-For"] == "127.0.0.1" and heard["X-Forwarded-Proto"] == "https"
    assert re.fullmatch("[0-9a-f]{32}", heard["X-Request-Id"]) and heard["Host"] == f"{HOST}:{edge.port}"
    _, heard = edge.ask("/internal/v1/workspace.set", **said)  # signed calls: the work they are part of has an id
    assert heard["X-Request-Id"] == "of-somebody-else" and heard["X-Forwarded-For"] == "127.0.0.1"


def test_the_readiness_of_processes_is_not_for_the_outside(edge: Edge) -> None:
    assert edge.ask("/readyz") == (404, {})
    assert edge.ask("/livez")[1]  # whether it answers at all, its peers ask through the edge


@pytest.mark.parametrize("helper", ["awk", "sed"])
def test_without_what_masks_and_counts_people_are_served_and_it_comes_again(edge: Edge, helper: str) -> None:
    (hurt,) = [one for one in psutil.Process(edge.pid).children(recursive=True) if helper in one.cmdline()[0]]
    hurt.kill()
    path = f"/w/after-{helper}"

    def heard_of() -> bool:
        assert edge.ask(f"{path}?code={SECRET}")[0] == 200
        return any(one["path"] == path for one in edge.lines("request"))

    until(heard_of, 20)
    assert SECRET not in edge.all_said()
