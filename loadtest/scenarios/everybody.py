"""A little of everything that Cellcast is used for."""

from loadtest.scenario import Scenario

SCENARIO = Scenario(
    about="customers, agents, programs, admins and identity providers together, 3 minutes",
    people={"customer": 40, "agent": 20, "integrator": 6, "admin": 4, "idp": 2},
    seconds=180,
    records_s=(20, 60),
)
