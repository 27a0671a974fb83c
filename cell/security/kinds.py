"""The jobs of security, by name."""

from kit.jobs import Kind

NOTICE = Kind("security.notice", attempts=30)  # a mail server may be away for an hour
