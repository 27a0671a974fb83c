"""Where the stack keeps what it built: a folder outside the tree, shared by every checkout of this user."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/cellcast`, by default `~/.cache/cellcast`; made if it is not there."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "cellcast"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
