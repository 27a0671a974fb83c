"""The jobs of people, by name."""

from kit.jobs import Kind

RESET = Kind("people.reset", attempts=8)  # asked for by a person who waits: after some minutes it is of no use
FIND = Kind("people.find", attempts=8)
