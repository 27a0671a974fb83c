"""Becomes another program under limits: `python -I -S launcher.py MEMORY FILE_SIZE CPU_SECONDS PROGRAM ARGUMENT...`.

A program of its own because limits must stand before ffmpeg's first line runs, and a function between fork and exec
is not safe in a process with threads (subprocess, `preexec_fn`). Costs 11 ms.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
NICENESS = 5  # behind the processes that answer people


def main() -> None:
    """Set the limits, the niceness, and that the kernel ends us with our parent; then become the program."""
    memory, file_size, cpu = (int(number) for number in sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - our own arguments, and no shell on purpose


if __name__ == "__main__":
    main()
