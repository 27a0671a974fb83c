"""Every metric says what it is, and no label can take as many values as there are people."""

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from tests.guards.modules import modules_of

# Labels whose values are a handful of words of ours. Never a workspace, a person, an address or an id.
BOUNDED = {
    "region",
    "route",
    "status",
    "kind",
    "outcome",
    "state",
    "reason",
    "answer",
    "peer",
    "operation",
    "audience",
    "result",
    "sender",
    "source",
    "why",
}


def ours() -> dict[str, MetricWrapperBase]:
    for part in ("kit", "cell", "router"):
        modules_of(part)
    found = {id(one): one for one in REGISTRY._names_to_collectors.values() if isinstance(one, MetricWrapperBase)}
    return {one._name: one for one in found.values() if not one._name.startswith(("python_", "process_"))}


def test_there_are_metrics() -> None:
    assert {"cellcast_http_requests", "cellcast_job_runs", "cellcast_jobs_due"} <= ours().keys()


def test_every_metric_is_named_and_described() -> None:
    for name, metric in ours().items():
        assert name.startswith("cellcast_"), f"{name}: begin its name with cellcast_"
        assert len(metric._documentation) > 10, f"{name}: say what it counts"


def test_labels_are_bounded() -> None:
    for name, metric in ours().items():
        strangers = set(metric._labelnames) - BOUNDED
        assert not strangers, f"{name}: {strangers} is not known to be bounded; see BOUNDED"
