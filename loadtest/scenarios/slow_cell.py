"""A cell that is slow: for two minutes it gets a third of its time. The other cell's people notice nothing."""

from loadtest.scenario import Fault, Scenario
from loadtest.scenarios.hung_cell import PARTS

SCENARIO = Scenario(
    about="60 customers and 20 agents in two cells, one of which is slow for 2 minutes of 5",
    people={"customer": 60, "agent": 20},
    seconds=300,
    records_s=(20, 60),
    faults=(Fault("slow", tuple(f"us-1-{part}" for part in PARTS), at=0.4, lasts=0.4),),
)
