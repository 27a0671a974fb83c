"""What an alert is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["page", "ticket"]


@dataclass(frozen=True)
class Alert:
    """True while `when` has been so for `lasting`.

    `says` is one sentence, with Prometheus' templates. `fires` and `quiet` are series in promtool's notation, a minute
    a step, under which it is true after an hour, or not.
    """

    name: str
    severity: Severity
    when: str
    lasting: str
    says: str
    fires: Mapping[str, str] = field(repr=False)
    quiet: Mapping[str, str] = field(repr=False)
