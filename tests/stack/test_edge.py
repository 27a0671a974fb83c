"""The stack's own authority, and what is said where there is no nginx; the edges themselves: tests/e2e/test_edge.py."""

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from stack import nginx
from stack.certificates import Authority, Certified
from stack.errors import StackError


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


def shaken_hands(certified: Certified, host: str, trust: Path, folder: Path) -> None:
    """A TLS handshake of a client that trusts that file with a server that shows this. Raises ssl.SSLError."""
    (folder / "chain").write_text(certified.chain)
    (folder / "key").write_text(certified.key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "chain", folder / "key")
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        ssl.create_default_context(cafile=trust).wrap_socket(ours, server_hostname=host).close()
    finally:
        ours.close()
        server.join()


def test_what_it_certifies_is_trusted_by_whoever_trusts_it(authority: Authority, tmp_path: Path) -> None:
    certified = authority.certify("eu-1.localhost")
    for trust in (authority.certificate, authority.trusted):
        shaken_hands(certified, "eu-1.localhost", trust, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shaken_hands(certified, "us-1.localhost", authority.certificate, tmp_path)


def test_a_browser_that_took_it_in_believes_it_of_this_machine_alone(authority: Authority, tmp_path: Path) -> None:
    stolen = authority.certify("bank.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shaken_hands(stolen, "bank.example", authority.certificate, tmp_path)


def test_it_stays_the_same_and_its_key_is_for_its_owner(authority: Authority, tmp_path: Path) -> None:
    assert Authority(tmp_path / "tls").pin == authority.pin
    assert Authority(tmp_path / "other").pin != authority.pin
    assert stat.S_IMODE((tmp_path / "tls" / "ca.key").stat().st_mode) == 0o600


def test_what_the_machine_trusts_stays_trusted(authority: Authority) -> None:
    machine = ssl.create_default_context().get_ca_certs(binary_form=True)
    both = ssl.create_default_context(cafile=authority.trusted).get_ca_certs(binary_form=True)
    assert set(machine) < set(both)


def test_without_nginx_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    with pytest.raises(StackError, match="apt-get install nginx libnginx-mod-http-modsecurity modsecurity-crs"):
        nginx.find()
