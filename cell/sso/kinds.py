"""The jobs of single sign-on, by name."""

from kit.jobs import Kind

TELL = Kind("sso.tell", attempts=50)
UPKEEP = Kind("sso.upkeep", attempts=50)  # once a day; a database or a mail server may be away for hours
WARN = Kind("sso.warn", attempts=30)  # a mail server may be away for an hour
