"""Refused sign-ins on their way to the cell's log: kept while it is away, bounded, each told once."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from contracts.said import Done
from contracts.signing_in import MOST_REPORTS, Attempt, Report
from control_plane.saml import reports
from control_plane.saml.reports import DROPPED, Reports
from kit.calls import Operation, PeerUnavailable
from kit.calls.operations import A, Q
from kit.refusals import NotFound, Refusal
from tests.waiting import eventually


class Cell:
    """Takes reports, or refuses."""

    def __init__(self, refuses: Refusal | None = None) -> None:
        self.refuses = refuses
        self.told: dict[UUID, list[str]] = {}
        self.calls = 0

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        self.calls += 1
        if self.refuses is not None:
            raise self.refuses
        assert isinstance(request, Report) and peer == "eu-1"
        self.told.setdefault(request.workspace_id, []).extend(one.reference for one in request.attempts)
        return operation.answer.model_validate(Done().model_dump())


def attempt(number: int) -> Attempt:
    return Attempt(reference=f"{number:010}", at=datetime.now(UTC), purpose=None, reason="audience", hint="A hint.")


def dropped() -> float:
    return DROPPED._value.get()  # type: ignore[no-any-return]  # a float, which the package does not say


async def eu_1(_: UUID) -> str:
    return "eu-1"


async def nowhere(_: UUID) -> None:
    return None


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "AGAIN_S", (0.01,))
    monkeypatch.setattr(reports, "LAST_S", 0.2)


async def test_the_cell_is_told_by_workspace() -> None:
    cell, ids = Cell(), [uuid4(), uuid4()]
    told = Reports(cell, eu_1)
    for number in range(6):
        told.add(ids[number % 2], attempt(number))
    await eventually(lambda: told.waiting == 0, 5)
    assert {one: len(cell.told[one]) for one in ids} == dict.fromkeys(ids, 3)
    await told.close()


async def test_what_a_cell_that_is_away_missed_it_hears_later_and_the_oldest_give_way() -> None:
    cell, one, before = Cell(PeerUnavailable()), uuid4(), dropped()
    told = Reports(cell, eu_1)
    for number in range(MOST_REPORTS + 20):
        told.add(one, attempt(number))
    assert told.waiting == MOST_REPORTS and dropped() - before == 20
    await eventually(lambda: cell.calls > 3, 5)
    cell.refuses = None
    await eventually(lambda: told.waiting == 0, 5)
    assert cell.told[one] == [f"{number:010}" for number in range(20, MOST_REPORTS + 20)]
    await told.close()


async def test_all_workspaces_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_WAITING", 50)
    told = Reports(Cell(PeerUnavailable()), eu_1)
    for number in range(200):
        told.add(uuid4(), attempt(number))
    assert told.waiting <= 50
    await told.close()
    assert told.waiting == 0


@pytest.mark.parametrize("away", [True, False])
async def test_what_no_cell_will_take_is_dropped_and_counted(away: bool) -> None:
    before = dropped()
    told = Reports(Cell(NotFound()), nowhere if away else eu_1)
    told.add(uuid4(), attempt(1))
    await eventually(lambda: told.waiting == 0, 5)
    assert dropped() - before == 1
    await told.close()


async def test_what_comes_while_others_are_told_is_told_too() -> None:
    cell, one = Cell(), uuid4()
    told = Reports(cell, eu_1)
    for number in range(40):
        told.add(one, attempt(number))
        await asyncio.sleep(0)
    await eventually(lambda: told.waiting == 0, 5)
    assert cell.told[one] == [f"{number:010}" for number in range(40)]
    await told.close()
