"""The jobs of domains, by name."""

from kit.jobs import Kind

TELL = Kind("domains.tell", attempts=50)
