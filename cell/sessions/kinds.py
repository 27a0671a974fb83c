"""The jobs of sessions, by name."""

from kit.jobs import Kind

END = Kind("sessions.end", attempts=30)  # Redis may be away for an hour
