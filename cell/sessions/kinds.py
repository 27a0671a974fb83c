"""The jobs of sessions, by name."""

from datetime import timedelta

from kit.jobs import Kind

END = Kind("sessions.end", attempts=30)  # Redis may be away for an hour
END_MANY = Kind("sessions.end_many", attempts=30)
END_LOCAL = Kind("sessions.end_local", attempts=30)
REFUSED = Kind("sessions.refused", attempts=30)
REFUSED_EVERY = timedelta(minutes=15)
