"""Monday morning: everybody comes at once, and by noon half of them are gone."""

from loadtest.scenario import Scenario, monday

SCENARIO = Scenario(
    about="from a tenth of the people to all of them within a minute, and down to half, 5 minutes",
    people={"customer": 120, "agent": 60, "integrator": 4, "admin": 4},
    seconds=300,
    shape=monday,
)
