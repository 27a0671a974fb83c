"""A consumer's folder: which state a process starts from, and the copy that is kept for the day the file is damaged."""

import faulthandler
import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from contracts.feed_store import Pack, Store, StoreBroken, check_file
from kit import logs

_CHECK_WITHIN_S = 60  # a million records take a second

log = logs.get("feed.disk")


class Disk:
    """The state of one audience in `folder`. Opened by the process that follows, by one at a time.

    The file is checked before it is used. A damaged one is put aside as `NAME.damaged`, and the copy that was kept is
    used in its place; without one the state is empty. Either is said. Call it before threads are started.
    """

    def __init__(self, folder: Path, audience: str, form: str, packs: Mapping[str, Pack]) -> None:
        """Raises StoreBroken when another process follows into this folder, OSError when it cannot be used."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = self.path_in(folder, audience)
        self._kept = self.path.with_suffix(".kept")
        self._lock = self.path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreBroken(f"{self.path.name}: another process writes it") from error

        def check(path: Path) -> str:
            return _survived(lambda: check_file(path, form, packs))

        self._choose(check)
        self.store = Store(self.path, form, packs)

    @staticmethod
    def path_in(folder: Path, audience: str) -> Path:
        """The file that other processes read."""
        return folder / f"{audience.replace('/', '-')}.mdb"

    def keep(self) -> None:
        """Keep a checked copy of the present state. Raises StoreBroken when it does not pass, OSError."""
        self.store.check()
        fresh = self._kept.with_suffix(".kept.new")
        fresh.unlink(missing_ok=True)
        try:
            self.store.copy(fresh)
            _settle(fresh, self._kept)
        finally:
            fresh.unlink(missing_ok=True)  # on a full disk half a copy is in the way

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()
        self._lock.close()

    def _choose(self, check: Callable[[Path], str]) -> None:
        """See to it that what stands at `path` is good or nothing."""
        if self.path.exists():
            reason = check(self.path)
            if not reason:
                return
            log.error("state damaged", reason=reason, put_aside=f"{self.path.stem}.damaged")
            self.path.replace(self.path.with_suffix(".damaged"))
        self.path.with_name(f"{self.path.name}-lock").unlink(missing_ok=True)
        if not self._kept.exists():
            return
        reason = check(self._kept)
        if reason:
            log.error("kept state damaged", reason=reason)
            return
        fresh = self.path.with_suffix(".mdb.new")
        shutil.copyfile(self._kept, fresh)
        _settle(fresh, self.path)
        log.warning("kept state used")


def _settle(fresh: Path, path: Path) -> None:
    """Put a finished file in its place, so that it is there after a power cut too."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _survived(check: Callable[[], None]) -> str:
    """Why the check fails, empty when it passes: made in a child, since LMDB may crash on a damaged file."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()  # what a crash here means is said by who asked
            signal.alarm(_CHECK_WITHIN_S)
            check()
            os._exit(0)
        except Exception as error:  # whatever it is, the file is of no use
            os.write(writing, str(error).encode()[:1000])
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        reason = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"reading it ends with signal {os.WTERMSIG(status)}"
    return "" if status == 0 else reason or "cannot be read"
