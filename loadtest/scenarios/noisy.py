"""A noisy neighbour: a workspace's directory is synchronised and its programs ask without pause."""

from loadtest.scenario import Scenario

SCENARIO = Scenario(
    about="4 identity providers and 20 programs on one cell, people of both cells at work, 3 minutes",
    people={"idp": 4, "integrator": 20, "customer": 30, "agent": 20},
    seconds=180,
    records_s=(20, 60),
    only_cell={"idp": "eu-1", "integrator": "eu-1"},
)
