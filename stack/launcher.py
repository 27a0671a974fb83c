"""The outermost process of a stack: inherits and ends whatever the supervisor could not end itself.

    launcher (this)  ->  supervisor  ->  servers and processes

Kill -9 of the launcher: the kernel sends the supervisor SIGQUIT, and it ends everything at once.
Kill -9 of the supervisor: its children are killed by the kernel, and what they leave falls to the launcher.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable

from stack.processes import adopt_orphans, die_with_parent, end_orphans

_FORWARDED = (signal.SIGTERM, signal.SIGHUP)
KILLED = 137  # what shells say of a program that was ended by SIGKILL


def under_launcher(run: Callable[[], int]) -> int:
    """Run the supervisor in a child of this process; its exit code. Call it before any thread is started."""
    adopt_orphans()
    launcher = os.getpid()
    supervisor = os.fork()
    if supervisor == 0:
        die_with_parent(launcher, by=signal.SIGQUIT)
        os._exit(_exit_code(run))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor too, which stops in order
    for number in _FORWARDED:
        signal.signal(number, lambda given, _: os.kill(supervisor, given))
    _, status = os.waitpid(supervisor, 0)
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    end_orphans()
    sys.stderr.write("the supervisor was killed; every process of the stack was ended\n")
    return KILLED


def _exit_code(run: Callable[[], int]) -> int:
    """The supervisor's exit code; it must not return into the caller's code, which is the launcher's."""
    adopt_orphans()
    try:
        return run()
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
