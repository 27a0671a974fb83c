"""The working day of a cell that is full: customers record, agents look and watch."""

from loadtest.scenario import Scenario

SCENARIO = Scenario(
    about="200 customers recording, 50 agents at work, 5 minutes",
    people={"customer": 200, "agent": 50},
    seconds=300,
)
