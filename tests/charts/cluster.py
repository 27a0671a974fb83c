"""Kubernetes' API server on an etcd of its own, without nodes: it judges manifests, Pod Security included.

`python -m tests.charts.cluster` builds both, as one program, into the user's cache (a quarter of an hour on two
processors, once); tests use it where it is there and never build it.
"""

import json
import re
import secrets
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kit.ports import free_port
from stack.cache import cache_dir
from stack.gobuild import NotBuilt, go_in
from tests.charts import tools
from tests.waiting import until

VERSION = "v1.37.2"  # of Kubernetes: the newest of tools.VERSIONS
ETCD = "v3.7.0"
_STARTS_WITHIN_S = 60
_ASK_S = 60
_MAIN = """package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	which := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)
	if which == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
"""


def built() -> Path:
    """Where the program is, or would be."""
    return cache_dir() / "bin" / f"cluster-{VERSION}"


def build() -> Path:
    """Build it unless it is there. Raises NotBuilt."""
    if built().exists():
        return built()
    with tempfile.TemporaryDirectory(dir=cache_dir()) as place:
        folder = Path(place)
        go, environment = go_in(folder)

        def run(*words: str) -> str:
            print("go", *words, file=sys.stderr)
            said = subprocess.run(
                [go, *words], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=False
            )
            if said.returncode:
                raise NotBuilt(f"`go {' '.join(words)}` failed")
            return said.stdout

        (folder / "main.go").write_text(_MAIN)
        run("mod", "init", "cellcast.example/cluster")
        module = json.loads(run("mod", "download", "-json", f"k8s.io/kubernetes@{VERSION}"))
        # Its parts are folders of its own repository to it, and modules of their own to everybody else.
        parts = re.findall(r"(k8s\.io/\S+) => \./staging/", Path(module["GoMod"]).read_text())
        of_parts = VERSION.replace("v1.", "v0.")
        run("mod", "edit", *(f"-replace={part}={part}@{of_parts}" for part in parts))
        run(
            "get",
            f"k8s.io/kubernetes@{VERSION}",
            f"go.etcd.io/etcd/server/v3@{ETCD}",
            f"k8s.io/component-base@{of_parts}",
        )
        run("build", "-ldflags=-s -w", "-o", str(folder / "made"), ".")
        built().parent.mkdir(parents=True, exist_ok=True)
        (folder / "made").replace(built())
    return built()


@dataclass(frozen=True)
class Answer:
    """What the API server says: the status, the object or a Status, and its warnings."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]


@dataclass
class Cluster:
    """An API server that runs."""

    url: str
    _token: str = field(repr=False)
    _context: ssl.SSLContext = field(repr=False)

    def ask(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Answer:
        """One request."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_ASK_S, context=self._context) as said:
                return Answer(said.status, json.load(said), tuple(said.headers.get_all("Warning") or ()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error), tuple(error.headers.get_all("Warning") or ()))

    def make(self, manifest: Mapping[str, Any]) -> None:
        """Store a manifest; it may be there already."""
        said = self.ask("POST", self._path(manifest), manifest)
        assert said.status in {201, 409}, said.body

    def try_out(self, manifest: Mapping[str, Any]) -> Answer:
        """Server-side apply, strict, as a dry run: everything but storing it is done."""
        path = f"{self._path(manifest)}/{manifest['metadata']['name']}"
        query = "?dryRun=All&fieldManager=test&fieldValidation=Strict&force=true"
        return self.ask("PATCH", path + query, manifest, "application/apply-patch+yaml")

    def take_definitions(self) -> None:
        """The resources of operators, served from when this returns."""
        definitions = tools.definitions()
        for one in definitions:
            self.make(one)

        def served() -> bool:
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
            found = [self.ask("GET", path + one["metadata"]["name"]).body["status"] for one in definitions]
            return all(
                any(said["type"] == "Established" and said["status"] == "True" for said in one.get("conditions", ()))
                for one in found
            )

        until(served, _STARTS_WITHIN_S)
        self.__dict__.pop("_resources", None)

    @cached_property
    def _resources(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """By version and kind: what it is called in paths, and whether it is in a namespace."""
        groups = self.ask("GET", "/apis").body["groups"]
        versions = ["v1", *(one["groupVersion"] for group in groups for one in group["versions"])]
        return {
            (version, one["kind"]): (one["name"], one["namespaced"])
            for version in versions
            for one in self.ask("GET", _root(version)).body.get("resources", ())
            if "/" not in one["name"]
        }

    def _resource(self, version: str, kind: str) -> tuple[str, bool]:
        """A server that is ready may list what it serves only a moment later."""

        def listed() -> bool:
            if (version, kind) not in self._resources:
                self.__dict__.pop("_resources")
            return (version, kind) in self._resources

        until(listed, _STARTS_WITHIN_S, lambda: f"no {kind} of {version} is served")
        return self._resources[version, kind]

    def _path(self, manifest: Mapping[str, Any]) -> str:
        version = manifest["apiVersion"]
        name, namespaced = self._resource(version, manifest["kind"])
        where = f"/namespaces/{manifest['metadata'].get('namespace', 'default')}" if namespaced else ""
        return f"{_root(version)}{where}/{name}"


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """An API server with everything of operators that charts use, until the block ends; its files are in `folder`."""
    ports = {name: free_port() for name in ("etcd", "peer", "api")}
    store, token = f"http://127.0.0.1:{ports['etcd']}", secrets.token_hex(16)
    key = folder / "accounts.key"
    key.write_bytes(
        generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    (folder / "tokens.csv").write_text(f'{token},tester,tester,"system:masters"\n')
    etcd = ["etcd", "--data-dir", str(folder / "etcd"), "--listen-client-urls", store, "--advertise-client-urls", store]
    peer = f"http://127.0.0.1:{ports['peer']}"
    etcd += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
    etcd += ["--unsafe-no-fsync", "--log-level", "error"]
    api = ["apiserver", "--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", str(ports["api"])]
    api += ["--cert-dir", str(folder / "certificates"), "--service-cluster-ip-range", "10.96.0.0/16"]
    api += ["--token-auth-file", str(folder / "tokens.csv"), "--authorization-mode", "AlwaysAllow"]
    api += ["--service-account-issuer", "https://kubernetes.default", "--service-account-key-file", str(key)]
    api += ["--service-account-signing-key-file", str(key)]
    # No controller makes the accounts that it would put into pods; charts have pods go without one.
    api += ["--disable-admission-plugins", "ServiceAccount"]
    with _started(etcd, folder / "etcd.log"), _started(api, folder / "api.log"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it signs for itself, on loopback
        cluster = Cluster(f"https://127.0.0.1:{ports['api']}", token, context)
        until(lambda: _is_ready(cluster), _STARTS_WITHIN_S, lambda: (folder / "api.log").read_text()[-2000:])
        cluster.take_definitions()
        yield cluster


def _is_ready(cluster: Cluster) -> bool:
    try:
        return cluster.ask("GET", "/readyz").status == 200
    except json.JSONDecodeError:
        return True  # it says "ok"
    except OSError:
        return False


@contextmanager
def _started(words: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as file, subprocess.Popen([built(), *words], stdout=file, stderr=file) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    try:
        print(build())
    except NotBuilt as error:
        sys.exit(f"error: {error}")
