"""The jobs of the directory, by name."""

from kit.jobs import Kind

LOOK_AFTER = Kind("directory.look_after", attempts=50)
