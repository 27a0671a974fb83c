"""A new cell's values file for the chart `cell`: what the registry knows, what its neighbour has, and its size.

A neighbour is a values file in the same folder. Of one in the same region everything carries over but its size, with
the new cell's name in place of its own; of one in another region what is the same in every region. The rest is derived,
and only what nobody can know is asked for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from control_plane.cli.server import REFUSED, WRONG_USAGE, failed

Values = dict[str, Any]  # YAML: what a chart's values can be

SIZES = Path(__file__).parent / "sizes"
# Up to how many units a cell is of a size: 200 are some dozens of workspaces, of which the larger have several.
SIZE_UP_TO = {"small": 200, "medium": 2000}
LARGEST = "large"
# Where AWS keeps what belongs to a region, for whoever says nothing else.
AWS_REGIONS = {"eu": "eu-central-1", "us": "us-east-1"}
EVERYWHERE = ("passkeyRpId", "mailFrom", "image", "edge", "secrets", "mail", "published", "monitoring", "settings")
ENCRYPTED = ("url", "goUrl", "registry.url", "bucket.endpoint")
_NAME = re.compile(r"[a-z]{2}-[0-9]{1,4}")

HEAD = """\
# The cell {name}, of {capacity} units ({size}). `cellcast cells add` wrote this file; change it as you like.
# Before it is installed its secrets stand at {secrets}:
# what each key is, and the buckets, keys and names it needs besides, is in docs/operate.md.
"""


@dataclass(frozen=True)
class Cell:
    """What is known of a cell before it is there."""

    name: str
    url: str
    capacity: int

    @property
    def region(self) -> str:
        """The region that its name begins with."""
        return self.name.partition("-")[0]

    @property
    def size(self) -> str:
        """Small, medium or large, by its capacity."""
        return next((size for size, most in SIZE_UP_TO.items() if self.capacity <= most), LARGEST)


def text(cell: Cell, deployment: Mapping[str, Any], folder: Path, given: Sequence[str]) -> str:
    """The whole file. `deployment` is what the control plane says of itself, `given` are PATH=YAML. Raises Failed."""
    made = _values(cell, deployment, _neighbour(folder, cell), [_one(word) for word in given])
    if lacking := list(_lacking(made)):
        raise failed(WRONG_USAGE, "This cannot be derived, and no neighbour's file says it", "\n".join(lacking))
    secrets = made["secrets"]
    where = secrets["external"]["path"] if secrets.get("from", "external") == "external" else "the Secrets named below"
    head = HEAD.format(name=cell.name, capacity=cell.capacity, size=cell.size, secrets=where)
    return head + yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=10_000)


def derived_url(name: str, cells: Sequence[Mapping[str, Any]]) -> str:
    """A cell's address after the pattern of those that the registry has. Raises Failed where they show none."""
    # An address without TLS is none that a chart takes.
    for one in sorted(cells, key=lambda one: (not one["url"].startswith("https:"), one["name"][:2] != name[:2])):
        parts = urlsplit(str(one["url"]))
        first, dot, rest = parts.netloc.partition(".")
        if first == one["name"] and dot:
            return f"{parts.scheme}://{name}.{rest}"
    raise failed(WRONG_USAGE, "The cell's address is not known", "Give --cell-url, like https://eu-3.example.")


def check_region(name: str, deployment: Mapping[str, Any]) -> None:
    """Refuse a cell of a region that has no provisioning. Raises Failed."""
    region, there = name.partition("-")[0], sorted(deployment["regions"])
    if region not in there:
        detail = (
            f"Regions with provisioning: {', '.join(there) or 'none'}. A region's provisioning comes before its cells: "
            "add it to signUpUrls of the control plane."
        )
        raise failed(REFUSED, f"There is no region {region}", detail)


def _values(
    cell: Cell, deployment: Mapping[str, Any], neighbour: Values | None, given: Sequence[tuple[str, object]]
) -> Values:
    made: Values = {
        "name": cell.name,
        "region": cell.region,
        "url": cell.url,
        "goUrl": deployment["go_url"],
        "passkeyRpId": (urlsplit(deployment["go_url"]).hostname or "").partition(".")[2],
        "registry": {"url": deployment["url"], "publicKeys": list(deployment["public_keys"])},
        "bucket": _bucket(cell),
        "backup": {"bucket": f"cellcast-{cell.name}-backups"},
        "secrets": {"external": {"path": f"cellcast/{cell.name}"}},
    }
    own = {"name", "region", "url", "goUrl", "registry"}
    _merge(made, {key: value for key, value in _carried(cell, neighbour).items() if key not in own})
    _merge(made, yaml.safe_load((SIZES / f"{cell.size}.yaml").read_text()))
    for path, value in given:
        _merge(made, _nested(path, value))
    return made


def _bucket(cell: Cell) -> Values:
    region = AWS_REGIONS.get(cell.region, "")
    endpoint = f"https://s3.{region}.amazonaws.com" if region else ""
    return {"name": f"cellcast-{cell.name}", "endpoint": endpoint, "region": region}


def _neighbour(folder: Path, cell: Cell) -> Values | None:
    """The values of the latest other cell of the folder, one of the same region before others."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = yaml.safe_load(path.read_text())
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise failed(WRONG_USAGE, f"{path} cannot be read", f"{type(error).__name__}: {error}") from error
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(name, str) and _NAME.fullmatch(name) and name != cell.name:
            region, _, number = name.partition("-")
            found.append((region == cell.region, int(number), name, one))
    return max(found, key=lambda one: one[:3])[3] if found else None


def _carried(cell: Cell, neighbour: Values | None) -> Values:
    """What of a neighbour is true of the new cell too."""
    if neighbour is None:
        return {}
    kept = deepcopy(neighbour)
    if neighbour.get("region") != cell.region:
        kept = {key: value for key, value in kept.items() if key in EVERYWHERE}
    if "values" in kept.get("secrets", {}):
        del kept["secrets"]["values"]  # each cell has its own
    for size in (*SIZE_UP_TO, LARGEST):
        _strike(kept, yaml.safe_load((SIZES / f"{size}.yaml").read_text()))
    return dict(_renamed(kept, str(neighbour["name"]), cell.name))


def _strike(values: Values, those: Mapping[str, Any]) -> None:
    """Take away what `those` name, and what is empty then."""
    for key, below in those.items():
        if isinstance(below, dict) and isinstance(values.get(key), dict):
            _strike(values[key], below)
            if values[key]:
                continue
        values.pop(key, None)


def _renamed(value: Any, before: str, after: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(one, before, after) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, before, after) for one in value]
    return re.sub(rf"\b{re.escape(before)}\b", after, value) if isinstance(value, str) else value


def _merge(into: Values, other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _one(word: str) -> tuple[str, object]:
    """A PATH=YAML."""
    path, equals, value = word.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", path) or not equals:
        raise failed(WRONG_USAGE, f"--set {word}: it is PATH=VALUE", "Like --set edge.tls.issuer=letsencrypt.")
    try:
        return path, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise failed(WRONG_USAGE, f"--set {word}: the value is not YAML", str(error)) from error


def _nested(path: str, value: object) -> Values:
    made: Any = value
    for name in reversed(path.split(".")):
        made = {name: made}
    return dict(made)


def _at(values: Mapping[str, Any], path: str) -> Any:
    """What stands at a path; None where nothing does."""
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _lacking(values: Values) -> Iterator[str]:
    """What the chart would refuse to be without, and how to give it."""
    for path in ENCRYPTED:
        if not re.fullmatch(r"https://[^/\s]+", str(_at(values, path))):
            yield f"--set {path}=https://HOST; plain HTTP is not served (it is {_at(values, path)!r})"
    if not _at(values, "edge.tls.issuer") and not _at(values, "edge.tls.secretName"):
        yield "--set edge.tls.issuer=ISSUER: the ClusterIssuer of cert-manager that certifies the cell's host"
    external = _at(values, "secrets.from") in {None, "external"}
    if external and not _at(values, "secrets.external.store"):
        yield "--set secrets.external.store=STORE: where External Secrets finds the cell's secrets"
    if not _at(values, "network.outside.cluster"):
        yield (
            "--set 'network.outside.cluster={cidrs: [10.96.0.1/32], ports: [443]}': Kubernetes' API server, as "
            "`kubectl get endpointslices kubernetes` shows it"
        )
