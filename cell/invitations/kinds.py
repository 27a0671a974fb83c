"""The jobs of invitations, by name."""

from kit.jobs import Kind

SEND = Kind("invitation.send", attempts=30)  # a mail server may be away for an hour
