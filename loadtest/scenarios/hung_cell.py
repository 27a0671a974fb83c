"""A cell that hangs: all its processes stop answering for two minutes. The other cell's people notice nothing."""

from loadtest.scenario import Fault, Scenario

PARTS = ("postgres", "redis", "s3", "web", "worker", "scheduler")

SCENARIO = Scenario(
    about="60 customers and 20 agents in two cells, one of which hangs for 2 minutes of 5",
    people={"customer": 60, "agent": 20},
    seconds=300,
    records_s=(20, 60),
    faults=(Fault("hang", tuple(f"us-1-{part}" for part in PARTS), at=0.4, lasts=0.4),),
)
