"""Every metric says what it is, and no label can take as many values as there are people."""

import re

from kit.metrics import Known, known
from tests.guards.modules import modules_of

# Labels whose values are a handful of words of ours, or as many as there are cells, routes or operations.
# Never a person, an address, a path, an id of a row, or whatever else somebody outside chooses.
BOUNDED = {
    "answer",
    "audience",
    "dependency",
    "how",
    "kind",
    "lane",
    "member",
    "operation",
    "outcome",
    "peer",
    "pool",
    "reason",
    "region",
    "result",
    "route",
    "sender",
    "source",
    "state",
    "status",
    "what",
    "why",
}
# Metrics with a label that is unbounded by itself, and that the code keeps to this many series. Whoever adds one adds
# a test that it does (tests/cell/heartbeat/test_heartbeat.py).
KEPT_SHORT = {"cellcast_workspace_recordings_day": ("workspace", 10)}


def ours() -> dict[str, Known]:
    for part in ("kit", "contracts", "cell", "router", "control_plane"):
        modules_of(part)
    return {one.name: one for one in known()}


def test_there_are_metrics() -> None:
    some = {"cellcast_http_requests", "cellcast_job_runs", "cellcast_jobs_due", "cellcast_router_requests"}
    assert some <= ours().keys()


def test_every_metric_is_named_and_described() -> None:
    for name, metric in ours().items():
        assert re.fullmatch(r"cellcast_[a-z0-9_]+", name), f"{name}: begin its name with cellcast_, in lower case"
        assert len(metric.words) > 10, f"{name}: say what it counts"
        if metric.kind == "histogram":
            assert name.endswith("_seconds"), f"{name}: measure times in seconds and say so at the end of its name"


def test_labels_are_bounded() -> None:
    for name, metric in ours().items():
        allowed = BOUNDED | {KEPT_SHORT[name][0]} if name in KEPT_SHORT else BOUNDED
        strangers = set(metric.labels) - allowed
        assert not strangers, (
            f"{name}: nobody has said that {strangers} is bounded. If its values are a handful of words of ours, "
            "add it to BOUNDED; if it is a workspace, keep the N largest and add it to KEPT_SHORT with a test; "
            "if it is a person, an address or a path, leave it out and write a log line."
        )


def test_what_is_kept_short_is_there() -> None:
    assert set(KEPT_SHORT) <= set(ours()), "strike from KEPT_SHORT what is no longer a metric"
