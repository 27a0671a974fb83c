"""A cell that hangs: all its processes stop answering for two minutes. The other cell's people notice nothing.

A cell that hangs takes no processor time, and on one machine the other then has more: compared with a time when both
work it would look well whatever it felt. So the cell's people rest for a minute before it hangs. The other cell's are
compared with themselves beside an idle cell, which leaves them as much of the machine as one that hangs.
"""

from loadtest.scenario import Fault, Rest, Scenario

PARTS = ("postgres", "redis", "s3", "web", "worker", "scheduler")

SCENARIO = Scenario(
    about="60 customers and 20 agents in two cells, one of which hangs for 2 minutes of 5",
    people={"customer": 60, "agent": 20},
    seconds=300,
    records_s=(20, 60),
    rest=Rest("us-1", at=0.2, lasts=0.2),  # the half of the time before, which the report looks at
    faults=(Fault("hang", tuple(f"us-1-{part}" for part in PARTS), at=0.4, lasts=0.4),),
)
