"""Every kind of job that is declared can be done, and every job that can be done is declared."""

from cell.jobs import TASKS
from kit.jobs import Kind
from tests.guards.modules import modules_of


def declared() -> dict[str, Kind]:
    """The kinds in the modules named kinds, by name."""
    found: dict[str, Kind] = {}
    for module in modules_of("cell", "kinds"):
        for kind in vars(module).values():
            if isinstance(kind, Kind):
                assert kind.name not in found, f"two kinds are called {kind.name}"
                found[kind.name] = kind
    return found


def test_every_declared_kind_is_done_and_the_other_way_round() -> None:
    done = {task.kind.name: task.kind for task in TASKS}
    assert done == declared(), (
        "declare kinds in the noun's kinds.py, do them in its tasks.py, gather those in cell/jobs.py"
    )


def test_a_kind_is_named_for_its_noun_and_verb() -> None:
    for name, kind in declared().items():
        noun, _, verb = name.partition(".")
        assert noun.isidentifier() and verb.isidentifier(), f"{name}: call it noun.verb"
        assert kind.attempts >= 1
