"""Size classes of workspaces: what is reserved at sign-up, when only the class is known, and what each may grow to.

One unit is the load of a typical small workspace: 10 recordings a day. A cell's capacity is in units too.
"""

from dataclasses import dataclass
from enum import StrEnum


class Size(StrEnum):
    """What a customer orders."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    DEDICATED = "dedicated"


@dataclass(frozen=True)
class Class:
    """`expected` units are reserved; above `quota` units the workspace is asked to take the next size."""

    expected: int
    quota: int


# A tenth of a cell of 1,000 units is the most that one tenant may be among others: a larger one would decide alone
# how loaded its cell is, so it gets a cell of its own. `expected` is the mean within a class whose sizes follow
# Zipf's law with exponent 1.1 (few near the quota, most far below), rounded up.
CLASSES = {
    Size.SMALL: Class(expected=1, quota=4),
    Size.MEDIUM: Class(expected=8, quota=20),
    Size.LARGE: Class(expected=40, quota=100),
}


def size_of(load: float) -> Size:
    """The smallest class whose quota holds `load` units."""
    return next((size for size, one in CLASSES.items() if load <= one.quota), Size.DEDICATED)


def reserved_for(size: Size, capacity: int) -> int:
    """The units to reserve on a cell of `capacity` units: all of them for a dedicated one."""
    return capacity if size is Size.DEDICATED else CLASSES[size].expected
