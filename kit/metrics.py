"""Prometheus metrics of this process, served on a port of their own that only the inside can reach."""

from prometheus_client import start_http_server


def serve(bind: str) -> None:
    """Answer scrapes on `bind` (host:port) from a thread of its own until the process ends."""
    host, _, port = bind.rpartition(":")
    start_http_server(int(port), addr=host)
