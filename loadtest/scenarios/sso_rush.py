"""Nine o'clock: a company's people come through its identity provider within minutes, while others record."""

from loadtest.scenario import Scenario, burst

SCENARIO = Scenario(
    about="120 people sign in through their identity provider at once, customers and agents at work, 2 minutes",
    people={"sso": 120, "customer": 20, "agent": 10},
    seconds=120,
    shape=burst,
    records_s=(20, 40),
)
