"""A stack's folder: where everything of one stack lies, who may use it now, and how it is emptied."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.errors import StackError
from stack.postgres import account, reachable

DEFAULT = Path(".cellcast/stack")
_OUTSIDE = Path("/var/lib/cellcast")  # for the data of servers that cannot pass through to the folder


class Folder:
    """The paths of one stack. Nothing is made before `make`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.state = self.path / "state.json"  # passwords, keys and ports, for our eyes
        self.description = self.path / "stack.json"  # what others attach by
        self.data = self.path / "data"
        self.logs = self.path / "log"
        self.run = self.path / "run"
        self.tls = self.path / "tls"  # the edges' authority, which browsers may have been told of: it outlives a reset
        self.control = self.run / "control"
        self.nursery = self.run / "nursery"
        self._lock = self.run / "lock"

    def make(self) -> None:
        """Make the folder and its parts. Raises StackError for a folder that holds something else."""
        if self.path.is_dir() and any(self.path.iterdir()) and not self._is_ours():
            raise StackError(f"{self.path} is not empty and not a stack's folder: choose another with --dir")
        # Root's PostgreSQL runs as another account, which passes through, and may not list.
        mode = 0o711 if account() else 0o700
        for folder in (self.path, self.data):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
        for folder in (self.logs, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._lock.touch()

    def _is_ours(self) -> bool:
        return self._lock.is_file()

    def log(self, process: str) -> Path:
        """The log file of a process."""
        return self.logs / f"{process}.log"

    def of_part(self, name: str) -> Path:
        """The folder of a part's data: a cell's, the control plane's."""
        folder = self.data / name
        folder.mkdir(exist_ok=True)
        folder.chmod(self.data.stat().st_mode & 0o777)
        return folder

    def of_account(self, name: str, server: str, stack_id: str) -> Path:
        """Where a part's server under `account()` keeps its files: in the folder, or outside where it cannot get there.

        Root's PostgreSQL and nginx run as `nobody`, and a folder below /root, say, is closed to it.
        """
        who = account()
        if who is None or reachable(self.of_part(name), who):
            return self.of_part(name) / server
        outside = _OUTSIDE / stack_id
        (self.data / "outside").write_text(stack_id)  # for `reset`
        outside.mkdir(parents=True, exist_ok=True)
        outside.chmod(0o711)
        return outside / f"{name}-{server}"

    def reset(self) -> None:
        """Remove everything that the stack keeps; the log files too. Hold the lock while you do."""
        for file in (self.state, self.description):
            file.unlink(missing_ok=True)
        if (outside := self.data / "outside").is_file():
            shutil.rmtree(_OUTSIDE / Path(outside.read_text()).name, ignore_errors=True)
        for folder in (self.data, self.logs):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder's lock, which ends with this process. Raises StackError when a stack runs here."""
        self.make()
        with self._lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self.in_use() from None
            yield

    def in_use(self) -> StackError:
        """What to say when a stack runs here already."""
        return StackError(f"a stack is up in {self.path}: see `cellcast stack status`, or take it `down` first")

    def is_in_use(self) -> bool:
        """Whether a stack runs in this folder now."""
        try:
            with self._lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
