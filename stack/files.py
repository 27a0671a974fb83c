"""Files with secrets, for the owner's eyes and whole at any instant; and short names for sockets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600; a crash leaves the old content or the new, and a reader sees one of them."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)


@contextmanager
def short_socket_name(path: Path) -> Iterator[str]:
    """A name of at most 108 characters for a socket (unix(7)), whatever its folder is called."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
