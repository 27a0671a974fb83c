"""A small file system of its own below a folder, which can be full from one moment to the next."""

import os
import subprocess
from pathlib import Path

_TRIES = 20  # what is in use grows while we look


class NoMount(Exception):
    """This machine lets us mount nothing: it takes root, and CAP_SYS_ADMIN in a container."""


class Disk:
    """Memory as a file system (tmpfs), `mib` large. Raises NoMount."""

    def __init__(self, at: Path, mib: int) -> None:
        self.at, self._most = at, mib * 1024 * 1024
        at.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self._most},mode=0755", "cellcast-test", str(at)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoMount(done.stderr.strip())

    def fill(self) -> None:
        """Nothing more fits, a page at most."""
        for _ in range(_TRIES):
            now = os.statvfs(self.at)
            # Never 0, which would be a disk without an end (tmpfs(5)).
            if self._resized(max(now.f_blocks - now.f_bfree, 1) * now.f_frsize):
                return
        raise AssertionError(f"{self.at} grows faster than it can be filled")

    def free(self) -> None:
        """As large as it was."""
        assert self._resized(self._most)

    def unmount(self) -> None:
        """Gone with all that is on it, once nobody uses it."""
        subprocess.run(["umount", "--lazy", str(self.at)], check=True)

    def _resized(self, size: int) -> bool:
        command = ["mount", "-o", f"remount,size={size}", str(self.at)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
