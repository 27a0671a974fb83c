"""What NetworkPolicies allow, evaluated as their documentation says, over pods that are where charts put them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from tests.charts.rendering import Manifest, namespace_of, pods, release_of, rendered

Selector = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Who opens a connection or takes one: a pod, or an address outside where there is no namespace."""

    part: str
    address: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    release: str = ""

    def __str__(self) -> str:
        return f"{self.release or self.namespace or 'outside'}/{self.part}"


class Network:
    """Releases side by side in one cluster."""

    def __init__(self, releases: Iterable[tuple[str, str, str]]) -> None:
        self.policies: list[Manifest] = []
        self.places: list[Place] = []
        for chart, profile, name in releases:
            release = name or release_of(chart, profile)
            namespace = namespace_of(chart, release)
            for one in rendered(chart, profile, release):
                if one["kind"] == "NetworkPolicy":
                    self.policies.append(one)
                for labels in labels_of_pods(one):
                    part = labels["app.kubernetes.io/component"]
                    address = f"10.1.{len(self.places) // 250}.{len(self.places) % 250 + 1}"
                    place = Place(part, address, namespace, tuple(sorted(labels.items())), release)
                    self.places.append(place)

    def allows(self, source: Place, target: Place, port: int, protocol: str = "TCP") -> bool:
        """Whether a connection can be opened: what leaves is allowed where it starts, and what comes where it ends."""
        return self._side("egress", source, target, port, protocol) and self._side(
            "ingress", target, source, port, protocol
        )

    def _side(self, direction: str, own: Place, other: Place, port: int, protocol: str) -> bool:
        if not own.namespace:
            return True
        governing = [
            one["spec"]
            for one in self.policies
            if one["metadata"]["namespace"] == own.namespace
            and direction.capitalize() in one["spec"]["policyTypes"]
            and _selects(one["spec"]["podSelector"], dict(own.labels))
        ]
        if not governing:
            return True  # pods that no policy takes are open
        ends = "to" if direction == "egress" else "from"
        # Of a connection the port is the target's, whichever side judges.
        return any(
            _port(rule.get("ports"), port, protocol)
            and any(_peer(peer, own.namespace, other) for peer in rule.get(ends) or [{}])
            for spec in governing
            for rule in spec.get(direction) or []
        )


def labels_of_pods(manifest: Manifest) -> list[dict[str, str]]:
    """The labels of pods that come of a manifest, by itself or by its operator."""
    spec = manifest.get("spec", {})
    # As CloudNativePG 1.30 has it (pkg/specs): what a cluster's pods inherit wins, what a pooler's template says loses.
    if manifest["kind"] == "Cluster":
        own = _operators(manifest["metadata"]["name"], "instance", "database")
        return [{**own, **spec["inheritedMetadata"]["labels"]}]
    if manifest["kind"] == "Pooler":
        given = spec["template"].get("metadata", {}).get("labels", {})
        own = _operators(spec["cluster"]["name"], "pooler", "pooler")
        return [{**given, **own, "cnpg.io/poolerName": manifest["metadata"]["name"]}]
    return [pod["metadata"]["labels"] for pod in pods(manifest)]


def _operators(cluster: str, role: str, component: str) -> dict[str, str]:
    return {
        "cnpg.io/cluster": cluster,
        "cnpg.io/podRole": role,
        "app.kubernetes.io/name": "postgresql",
        "app.kubernetes.io/instance": cluster,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/managed-by": "cloudnative-pg",
    }


def _selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}
    return all(labels.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())


def _port(ports: list[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    return not ports or any(one["port"] == port and one["protocol"] == protocol for one in ports)


def _peer(peer: Mapping[str, Any], namespace: str, other: Place) -> bool:
    """Whether a peer means this place. A block of addresses is taken to mean pods as well, which some plug-ins do."""
    if not peer:
        return True
    if "ipBlock" in peer:
        address, block = ip_address(other.address), peer["ipBlock"]
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(one) for one in block.get("except", [])
        )
    if not other.namespace:
        return False
    where = peer.get("namespaceSelector")
    there = (
        _selects(where, {"kubernetes.io/metadata.name": other.namespace})
        if where is not None
        else other.namespace == namespace
    )
    return there and _selects(peer.get("podSelector") or {}, dict(other.labels))
