"""The made-up fleet is placed evenly, and the same way each time."""

from control_plane.placement.simulation import Fleet, simulate

SMALL = Fleet(workspaces=1500, cells=5)


def test_a_fleet_is_placed_evenly() -> None:
    outcome = simulate(SMALL)
    assert outcome.refused == 0
    assert sum(outcome.sizes.values()) == 1500
    assert outcome.sizes["dedicated"] == outcome.dedicated > 0
    assert 1 <= outcome.max_over_mean <= 1.15


def test_the_same_fleet_gives_the_same_answer() -> None:
    assert simulate(SMALL) == simulate(SMALL)
    assert simulate(SMALL) != simulate(Fleet(workspaces=1500, cells=5, seed=2))


def test_knowing_nothing_but_classes_is_worse() -> None:
    blind = Fleet(workspaces=1500, cells=5, heartbeat_every=10**9)
    assert simulate(blind).max_over_mean > simulate(SMALL).max_over_mean


def test_a_fleet_without_room_refuses() -> None:
    assert simulate(Fleet(workspaces=1500, cells=5, headroom=0.5)).refused > 0
