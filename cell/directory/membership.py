"""What a change does to a group's members, without a look at the group: it may have a hundred thousand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from cell.directory import values
from contracts.directory import MOST_MEMBERS, NoTarget, Step, Tree, Verb


@dataclass
class Change:
    """Who comes and who goes; `anew`: whoever does not come goes."""

    anew: bool = False
    come: set[UUID] = field(default_factory=set)
    go: set[UUID] = field(default_factory=set)

    @property
    def nothing(self) -> bool:
        """Whether it says nothing."""
        return not (self.anew or self.come or self.go)

    def add(self, ids: set[UUID]) -> None:
        """These are members, whether they were or not."""
        self.come |= ids
        self.go -= ids

    def remove(self, ids: set[UUID]) -> None:
        """These are none, whether they were or not."""
        self.come -= ids
        self.go |= ids

    def set_to(self, ids: set[UUID]) -> None:
        """These are members and nobody else."""
        self.anew, self.come, self.go = True, ids, set()


def of_document(members: object) -> Change:
    """The members that a whole document names; none where it names none."""
    change = Change()
    change.set_to(_ids(members))
    return change


def of_steps(steps: Sequence[Step]) -> Change:
    """What the steps on members come to, in order. Raises ValueRefused, NoTarget."""
    change = Change()
    for step in steps:
        if step.path.part not in ("", "value"):
            raise values.refused("members", "Members are added and removed as a whole.")
        if step.path.some is not None:
            named = _named(step.path.some)
            if step.verb is Verb.REMOVE:
                change.remove(named)
            elif _ids(step.value) <= named:
                change.add(named)
            else:
                raise values.refused("members", "A member cannot become another one: remove the one, add the other.")
        elif step.path.part:  # to remove a value is not to remove everybody
            raise values.refused("members", "Say which member is meant.")
        elif step.verb is Verb.ADD:
            change.add(_ids(step.value))
        elif step.verb is Verb.REPLACE:
            change.set_to(_ids(step.value))
        elif step.value is None:
            change.set_to(set())
        else:
            change.remove(_ids(step.value))
    if len(change.come) + len(change.go) > MOST_MEMBERS:
        raise values.refused("members", f"At most {MOST_MEMBERS} members in one request.")
    return change


def _ids(value: object) -> set[UUID]:
    several = value if isinstance(value, list) else [] if value is None else [value]
    if len(several) > MOST_MEMBERS:
        raise values.refused("members", f"At most {MOST_MEMBERS} members in one request.")
    return {_id(one.get("value") if isinstance(one, dict) else one) for one in several}


def _named(tree: Tree) -> set[UUID]:
    """The ids of a condition that says nothing but whose they are."""
    match tree:
        case ["eq", ["value"], str() as value]:
            return {_id(value)}
        case ["or", list() as left, list() as right]:
            return _named(left) | _named(right)
    raise NoTarget("Members are chosen by their `value` alone.", attribute="members")


def _id(value: object) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else _refuse()
    except ValueError:
        return _refuse()


def _refuse() -> UUID:
    raise values.refused("members", "A member is named by the id of a person.")
