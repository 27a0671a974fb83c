"""A local name server that knows the texts of some names."""

from collections.abc import Iterator
from contextlib import contextmanager

from dnslib import QTYPE, RCODE, RR, TXT, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from kit.ports import free_port


class Names(BaseResolver):  # type: ignore[misc]  # the package has no types
    """Name -> its text; what is not there does not exist. `address` is where it answers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.texts: dict[str, str] = {}

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        """The library calls this with each question."""
        answer = request.reply()
        found = self.texts.get(str(request.q.qname).rstrip(".").lower())
        if found is None:
            answer.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.TXT:
            answer.add_answer(RR(str(request.q.qname), QTYPE.TXT, rdata=TXT(found.encode())))
        return answer


@contextmanager
def name_server() -> Iterator[Names]:
    """A running one, until the block ends."""
    port = free_port()
    names = Names(f"127.0.0.1:{port}")
    server = DNSServer(names, address="127.0.0.1", port=port, logger=DNSLogger("", False))
    server.start_thread()
    try:
        yield names
    finally:
        server.stop()
        server.server.server_close()
