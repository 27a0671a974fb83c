"""One link that was passed on."""

from loadtest.scenario import Scenario, burst

SCENARIO = Scenario(
    about="one link of a workspace is opened by 150 people at once while others work, 2 minutes",
    people={"crowd": 150, "customer": 20, "agent": 10},
    seconds=120,
    shape=burst,
    records_s=(20, 40),
    only_cell={"crowd": "eu-1"},
)
