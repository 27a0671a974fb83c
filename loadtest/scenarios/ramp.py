"""More and more people record in one cell until it breaks: what `cellcast capacity` is compared with."""

from loadtest.scenario import Scenario, ramp

SCENARIO = Scenario(
    about="from none to 400 customers recording in one cell within 5 minutes",
    people={"customer": 400},
    seconds=300,
    shape=ramp,
    records_s=(30, 60),
    only_cell={"customer": "eu-1"},
)
