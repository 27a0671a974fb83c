"""A new version is rolled out: every web process and worker is restarted in turn while people work."""

from loadtest.scenario import Fault, Scenario

SCENARIO = Scenario(
    about="40 customers and 20 agents while all web processes and workers are restarted in turn, 3 minutes",
    people={"customer": 40, "agent": 20},
    seconds=180,
    records_s=(20, 60),
    faults=(Fault("restart", ("eu-1-web", "eu-1-worker", "us-1-web", "us-1-worker"), at=0.4),),
)
