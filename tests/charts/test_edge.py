"""The edge's files, as they are in the chart, before a server of the test's own: nginx and the rules are Debian's."""

import http.client
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from kit.ports import free_port
from tests.charts.rendering import CHARTS

HOST = "eu-1.test"
MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
RULES = Path("/usr/share/modsecurity-crs/rules")
SECRET = "Opens0Every1Door2"
ATTACKS = [
    "/w/acme/library?q=" + quote("1' OR '1'='1 --"),
    "/w/acme/library?q=" + quote("<script>alert(1)</script>"),
    "/w/acme/library?file=../../../../etc/passwd",
    "/w/acme/library?x=" + quote(";cat /etc/passwd"),
    f"/r/acme-{SECRET}?q=" + quote(f"1' OR '1'='1 -- {SECRET}"),
]
GOOD = [f"/r/acme-{SECRET}", f"/acme-{SECRET}", f"/w/acme/library?code={SECRET}", "/w/acme/events"]


class Edge:
    """A running edge: ask it, and read what it logged."""

    def __init__(self, port: int, log: Path) -> None:
        self.port, self._log = port, log

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> int:
        """The status of an answer over TLS, whoever certified it."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        line.sock = context.wrap_socket(line._create_connection(("127.0.0.1", self.port), 20), server_hostname=HOST)  # type: ignore[attr-defined]
        try:
            line.request(method, path, body, {"Host": HOST, "User-Agent": "Mozilla/5.0", "Accept": "*/*", **headers})
            return line.getresponse().status
        finally:
            line.close()

    def logged(self, word: str) -> str:
        """The log, once the word is in it."""
        deadline = time.monotonic() + 20
        while word not in (text := self._log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return text


class _Behind(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx or not MODULE.exists() or not RULES.is_dir():
        pytest.skip(
            "no nginx with ModSecurity and its rules: apt install libnginx-mod-http-modsecurity modsecurity-crs"
        )
    folder = tmp_path_factory.mktemp("edge")
    run, key, certificate = folder / "run", folder / "tls.key", folder / "tls.crt"
    run.mkdir()
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    subprocess.run([*new, "-keyout", key, "-out", certificate, "-subj", f"/CN={HOST}"], check=True, capture_output=True)
    behind = ThreadingHTTPServer(("127.0.0.1", 0), _Behind)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    port = free_port()
    put = {
        "NAME": "edge", "LOAD_MODULE": f"load_module {MODULE};", "RUN": str(run), "LISTEN": f"127.0.0.1:{port}",
        "UPSTREAM": f"127.0.0.1:{behind.server_address[1]}", "HOSTS": HOST, "CERTIFICATE": str(certificate),
        "KEY": str(key), "WAF": f"modsecurity on;\nmodsecurity_rules_file {folder}/waf.conf;",
        "WAF_OFF": "modsecurity off;", "PARANOIA": "2", "RULES": str(RULES), "UNICODE": "/etc/nginx/unicode.mapping",
    }  # fmt: skip
    for file in (CHARTS / "lib/files/edge").iterdir():
        text = file.read_text()
        for name, value in put.items():
            text = text.replace(f"${{{name}}}", value)
        # Where tests run as root nginx' workers would be another account, which does not get into this folder.
        account = "user root;\n" if os.geteuid() == 0 and file.name == "nginx.conf" else ""
        (folder / file.name).write_text(account + text)
    environment = {
        "PATH": f"{Path(nginx).parent}:{os.environ['PATH']}",
        "CERTIFICATE": str(certificate),
        "KEY": str(key),
    }
    with (folder / "log").open("wb") as log:
        command: list[str | Path] = ["sh", folder / "start.sh", folder / "nginx.conf", run]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    made = Edge(port, folder / "log")
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                made.ask("/edgez")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, made.logged("")
                time.sleep(0.05)
        yield made
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)
        behind.shutdown()


@pytest.mark.parametrize("path", GOOD)
def test_what_people_do_passes_and_leaves_no_secret_in_the_log(edge: Edge, path: str) -> None:
    assert edge.ask(path) == 200
    text = edge.logged(path.partition("?")[0].partition("-")[0])
    assert SECRET not in text


@pytest.mark.parametrize("path", ATTACKS)
def test_attacks_are_blocked_logged_and_masked(edge: Edge, path: str) -> None:
    assert edge.ask(path) == 403
    text = edge.logged("Access denied")
    assert "Access denied" in text and SECRET not in text


def test_scanners_and_headers_that_are_too_large_are_blocked(edge: Edge) -> None:
    assert edge.ask("/w/acme", **{"User-Agent": "sqlmap/1.5"}) == 403
    assert edge.ask("/w/acme", **{"X-Large": "a" * 20_000}) == 400


def test_what_programs_send_passes(edge: Edge) -> None:
    scim = '{"Operations":[{"op":"replace","path":"active","value":false}]}'
    assert edge.ask("/scim/v2/acme/Users/1", "PATCH", scim, **{"Content-Type": "application/scim+json"}) == 200
    assert edge.ask("/api/v1/links", "PUT", '{"title":"a"}', **{"Content-Type": "application/json"}) == 200
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert edge.ask("/w/acme/sign-in", "POST", "password=" + quote("x' or 1=1;--<script>"), **form) == 200


def test_the_readiness_of_processes_is_not_for_the_outside(edge: Edge) -> None:
    assert edge.ask("/readyz") == edge.ask("/livez") == 404
