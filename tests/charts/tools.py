"""The programs that judge charts, helm and kubeconform, and the schemas that kubeconform judges by.

`python -m tests.charts.tools` (or `make charts`) gets all of it into the user's cache, where it is found from then on.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from stack.cache import cache_dir
from stack.gobuild import NotBuilt, Program, go_in

HELM = Program("helm", "helm.sh/helm/v3", "cmd/helm", "v3.22.0", "the program that renders charts")
KUBECONFORM = Program(
    "kubeconform", "github.com/yannh/kubeconform", "cmd/kubeconform", "v0.8.0", "the program that checks manifests"
)
VERSIONS = tuple(f"1.{minor}.0" for minor in range(31, 38))  # of Kubernetes: the oldest that counts to the newest

# Where the resources are defined that operators bring: a Go module, and the folder in it that holds them.
_DEFINED_IN = {
    "github.com/argoproj/argo-cd/v3@v3.4.13": "manifests/crds",
    "github.com/cert-manager/cert-manager@v1.21.2": "deploy/crds",
    "github.com/cloudnative-pg/cloudnative-pg@v1.30.0": "config/crd/bases",
    "github.com/cloudnative-pg/plugin-barman-cloud@v0.15.0": "config/crd/bases",
    "github.com/external-secrets/external-secrets@v1.3.2": "config/crds/bases",
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd",
}
_USED = frozenset(
    {
        "AppProject",
        "Application",
        "ApplicationSet",
        "Certificate",
        "ClusterSecretStore",
        "Issuer",
        "Cluster",
        "ExternalSecret",
        "ObjectStore",
        "PodMonitor",
        "Pooler",
        "PrometheusRule",
        "ScaledObject",
        "ScheduledBackup",
        "ServiceMonitor",
        "TriggerAuthentication",
    }
)
_MADE_BY = 4  # rises when what is written below changes
_RAW = "definitions"  # the folder of what operators define, as they write it
_ELSEWHERE = "/api/_definitions.json#"  # an address that is nowhere


class _Loader(yaml.CSafeLoader):
    """YAML as Go reads it: a lone `=` is a text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def schema_locations() -> list[str]:
    """What kubeconform is told: Kubernetes' own schemas, which a package carries, and those of operators."""
    made = schemas()
    return [
        f"{made}/{{{{.NormalizedKubernetesVersion}}}}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        f"{made}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json",
    ]


def definitions() -> list[dict[str, Any]]:
    """What operators define, as a cluster is told of it."""
    return [json.loads(path.read_text()) for path in sorted((schemas() / _RAW).glob("*.json"))]


def schemas() -> Path:
    """The folder with all schemas; made once, from the package and from the modules that define the others."""
    package = importlib.util.find_spec("kubernetes_validate")
    assert package is not None and package.submodule_search_locations
    kubernetes = Path(package.submodule_search_locations[0]) / "kubernetes-json-schema"
    of = [_MADE_BY, sorted(_USED), _DEFINED_IN, VERSIONS, importlib.metadata.version("kubernetes-validate")]
    mark = hashlib.sha256(json.dumps(of).encode()).hexdigest()[:12]
    folder = cache_dir() / f"schemas-{mark}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as place:
                made = Path(place) / "made"
                for version in VERSIONS:
                    _copy(kubernetes / f"v{version}-local-strict", made / f"v{version}")
                for module, where in _DEFINED_IN.items():
                    for definition in _definitions(_downloaded(module, Path(place)) / where):
                        _write(definition, made)
                made.rename(folder)
    return folder


def _copy(source: Path, into: Path) -> None:
    """Schemas of one Kubernetes, each kind's with the definitions that it uses and no others: they are read sooner."""
    into.mkdir(parents=True)
    definitions = json.loads((source / "_definitions.json").read_text().replace(_ELSEWHERE, "#"))["$defs"]
    for path in source.glob("*.json"):
        schema = json.loads(path.read_text().replace(_ELSEWHERE, "#"))
        if "kind" not in schema.get("properties", {}):
            continue  # a part of something
        used: dict[str, Any] = {}
        wanted = _named(schema)
        while wanted:
            name = wanted.pop()
            if name not in used:
                used[name] = definitions[name]
                wanted |= _named(used[name])
        schema.pop("$id", None)
        (into / path.name).write_text(json.dumps({**schema, "$defs": used}))


def _named(schema: Any) -> set[str]:
    """The definitions that a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(_named, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(_named, schema.values()))


def _downloaded(module: str, place: Path) -> Path:
    go, environment = go_in(place)
    print(f"getting {module}", file=sys.stderr)
    command = [str(go), "mod", "download", "-json", module]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")
    answer = json.loads(said.stdout or "{}")
    if "Dir" not in answer:
        raise NotBuilt(f"{module} cannot be had: {answer.get('Error') or said.stderr.strip()}")
    return Path(answer["Dir"])


def _definitions(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        for one in yaml.load_all(path.read_text(), _Loader):
            if one and one["kind"] == "CustomResourceDefinition" and one["spec"]["names"]["kind"] in _USED:
                yield one


def _write(definition: dict[str, Any], into: Path) -> None:
    spec = definition["spec"]
    (into / _RAW).mkdir(parents=True, exist_ok=True)
    (into / _RAW / f"{definition['metadata']['name']}.json").write_text(json.dumps(definition))
    folder = into / spec["group"]
    folder.mkdir(parents=True, exist_ok=True)
    for version in spec["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        file = folder / f"{spec['names']['kind'].lower()}_{version['name']}.json"
        file.write_text(json.dumps(_strict(schema)))


def _strict(schema: Any) -> Any:
    """The schema as JSON Schema, in which what is not named is refused, as a strict API server does."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    is_object = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def main() -> None:
    """Get everything."""
    for program in (HELM, KUBECONFORM):
        print(program.find_or_build(lambda line: print(line, file=sys.stderr)))
    print(schemas())


if __name__ == "__main__":
    try:
        main()
    except NotBuilt as error:
        sys.exit(f"error: {error}")
