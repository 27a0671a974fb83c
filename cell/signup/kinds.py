"""The jobs of sign-ups, by name."""

from kit.jobs import Kind

ASK = Kind("signup.ask", attempts=30)  # a mail server may be away for an hour
