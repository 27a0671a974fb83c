"""Domains proved by a TXT record, at a name server of the tests' own."""

from collections.abc import Iterator

import pytest
from dnslib import QTYPE, RCODE, RR, TXT, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from contracts.signing_in import NameServersSilent
from control_plane.saml import domains
from control_plane.saml.domains import Dns, Domains
from kit.ports import free_port

TOKEN = "a" * 32
GOOD = f"cellcast-verification={TOKEN}"


class Zone(BaseResolver):  # type: ignore[misc]  # the package has no types
    """Knows the texts of some names; `broken` answers with a failure, `mute` not at all."""

    def __init__(self) -> None:
        self.texts: dict[str, list[list[str]]] = {}

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        name = str(request.q.qname).rstrip(".").lower()
        answer = request.reply()
        if name.startswith("_cellcast.broken"):
            answer.header.rcode = RCODE.SERVFAIL
        elif name not in self.texts:
            answer.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.TXT:
            for pieces in self.texts[name]:
                answer.add_answer(RR(str(request.q.qname), QTYPE.TXT, rdata=TXT([one.encode() for one in pieces])))
        return answer


@pytest.fixture(scope="module")
def zone() -> Iterator[tuple[Zone, str]]:
    made, port = Zone(), free_port()
    server = DNSServer(made, address="127.0.0.1", port=port, logger=DNSLogger("", False))
    server.start_thread()
    yield made, f"127.0.0.1:{port}"
    server.stop()
    server.server.server_close()


def check(zone: tuple[Zone, str]) -> Domains:
    return Domains(Dns(zone[1]))


@pytest.mark.parametrize(
    "texts", [[[GOOD]], [["v=spf1 -all"], [GOOD]], [[f" {GOOD} "]], [[GOOD[:20], GOOD[20:]]]], ids=str
)
async def test_the_token_stands_there(zone: tuple[Zone, str], texts: list[list[str]]) -> None:
    zone[0].texts["_cellcast.good.example"] = texts
    assert (await check(zone).check("good.example", TOKEN)).found


async def test_what_stands_there_instead_is_shown(zone: tuple[Zone, str]) -> None:
    zone[0].texts["_cellcast.other.example"] = [["cellcast-verification=" + "b" * 32], ["x" * 250, "y" * 250]]
    checked = await check(zone).check("other.example", TOKEN)
    assert not checked.found and len(checked.seen) == 2 and max(map(len, checked.seen)) == 300


async def test_a_record_at_the_domain_itself_does_not_count(zone: tuple[Zone, str]) -> None:
    zone[0].texts["bare.example"] = [[GOOD]]
    checked = await check(zone).check("bare.example", TOKEN)
    assert (checked.found, checked.seen) == (False, ())


async def test_a_name_without_texts(zone: tuple[Zone, str]) -> None:
    zone[0].texts["_cellcast.empty.example"] = []
    assert not (await check(zone).check("empty.example", TOKEN)).found


async def test_a_record_that_was_just_entered_is_seen(zone: tuple[Zone, str]) -> None:
    domain = check(zone)
    assert not (await domain.check("new.example", TOKEN)).found
    zone[0].texts["_cellcast.new.example"] = [[GOOD]]
    assert (await domain.check("new.example", TOKEN)).found


async def test_many_records(zone: tuple[Zone, str]) -> None:
    zone[0].texts["_cellcast.many.example"] = [[f"text {number:02}"] for number in range(12)]
    assert len((await check(zone).check("many.example", TOKEN)).seen) == 10


async def test_name_servers_that_fail_say_neither_yes_nor_no(
    zone: tuple[Zone, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NameServersSilent):
        await check(zone).check("broken.example", TOKEN)
    monkeypatch.setattr(domains, "WITHIN_S", 0.5)
    with pytest.raises(NameServersSilent):
        await Domains(Dns(f"127.0.0.1:{free_port()}")).check("silent.example", TOKEN)
