"""Every scenario can be run: its people and its faults' processes exist, and its number of people stays in bounds."""

from dataclasses import replace

import pytest

from loadtest import scenarios
from loadtest.scenario import Scenario, burst, monday, steady

NAMES = scenarios.names()
MOST_PEOPLE, LONGEST_S = 1000, 900  # a scenario is for one machine; more is asked for by options


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_bounded_and_says_what_it_is(name: str) -> None:
    scenario = scenarios.get(name)
    assert scenario.about
    assert 0 < sum(scenario.people.values()) <= MOST_PEOPLE
    assert 0 < scenario.seconds <= LONGEST_S
    assert scenario.only_cell.keys() <= scenario.people.keys()
    assert all(0 <= one.at <= one.at + one.lasts < 1 for one in scenario.faults)


def test_an_unknown_scenario_is_none() -> None:
    with pytest.raises(KeyError):
        scenarios.get("nothing")


@pytest.mark.parametrize("shape", [steady, monday, burst])
def test_a_shape_is_a_share_of_the_people(shape: object) -> None:
    assert callable(shape)
    shares = [shape(at / 100) for at in range(100)]
    assert all(0 <= share <= 1 for share in shares)
    assert max(shares) == 1


def test_a_scenario_of_another_size_keeps_its_proportions_and_its_kinds() -> None:
    whole = Scenario("", {"customer": 200, "agent": 50, "admin": 1}, 300)
    short = whole.sized(50, 30)
    assert short.people == {"customer": 40, "agent": 10, "admin": 1}
    assert short.seconds == 30
    assert short.records_s == (10, 10)
    assert whole.sized(502, 600) == replace(whole, people={"customer": 400, "agent": 100, "admin": 2}, seconds=600)
    assert whole.sized() == whole


def test_a_cell_rests_just_before_it_hangs() -> None:
    """The report compares with the second half of the time before a fault (loadtest/load/report.py)."""
    hung = scenarios.get("hung-cell")
    [fault] = hung.faults
    assert hung.rest is not None and all(name.startswith(hung.rest.cell) for name in fault.names)
    assert (hung.rest.at, hung.rest.at + hung.rest.lasts) == (fault.at / 2, fault.at)
    assert fault.lasts * hung.seconds >= 120
