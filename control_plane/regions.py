"""What a region means where people choose one: whole sentences, since names bend differently in each language."""

from dataclasses import dataclass

from contracts.said import Region
from kit.marking import N_


@dataclass(frozen=True)
class Meaning:
    """The region's name; what is kept there; the way on; what becomes of what is typed."""

    name: str
    kept: str
    onward: str
    typed: str


MEANINGS: dict[Region, Meaning] = {
    "eu": Meaning(
        N_("European Union"),
        N_("Recordings, names and e-mail addresses are kept in the European Union alone"),
        N_("Continue in the European Union"),
        N_("Everything you enter here goes to the European Union and stays there."),
    ),
    "us": Meaning(
        N_("United States"),
        N_("Recordings, names and e-mail addresses are kept in the United States alone"),
        N_("Continue in the United States"),
        N_("Everything you enter here goes to the United States and stays there."),
    ),
}
