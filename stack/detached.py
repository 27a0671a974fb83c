"""A stack that runs on in the background: taken up until it is ready, and taken down, from another process."""

import os
import sys
import time
from collections.abc import Callable

from stack import control
from stack.console import Voice
from stack.errors import StackError
from stack.folder import Folder
from stack.launcher import under_launcher
from stack.waiting import said_last

_LOOK_S = 0.1
_DOWN_WITHIN_S = 60.0  # four stages of 10 s at most, and some


def up(folder: Folder, run: Callable[[], int], voice: Voice) -> control.Answer:
    """Run a supervisor in the background and return once its stack is ready, with its status.

    Raises StackError with its reason when it does not get up.
    """
    if folder.is_in_use():
        raise folder.in_use()
    log = folder.log("up")
    begin = log.stat().st_size if log.exists() else 0
    launcher = _fork(lambda: under_launcher(run), folder)
    try:
        while True:
            now = _status(folder)
            voice.show(now.get("processes", []))
            if now.get("ready"):
                return now
            if os.waitpid(launcher, os.WNOHANG)[0]:
                raise StackError(said_last(log, begin).removeprefix("error: "))
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        down(folder)
        raise
    finally:
        voice.settle()


def _fork(run: Callable[[], int], folder: Folder) -> int:
    """Run in a child that has left this terminal; its pid. What it says goes to the folder's log `up`."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    os.setsid()
    said = os.open(folder.log("up"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(there, here)
    os.closerange(3, max(nothing, said) + 1)
    os._exit(run())


def _status(folder: Folder) -> control.Answer:
    try:
        return control.ask(folder, "status")
    except StackError:  # not yet there
        return {}


def down(folder: Folder) -> bool:
    """Take the folder's stack down and return once it is; whether one was up. Raises StackError when it hangs."""
    if not folder.is_in_use():
        return False
    control.ask(folder, "down")
    deadline = time.monotonic() + _DOWN_WITHIN_S
    while folder.is_in_use():
        if time.monotonic() > deadline:
            raise StackError(f"it is still stopping: see {folder.log('stack')}")
        time.sleep(_LOOK_S)
    return True
