"""Files with secrets: for the owner's eyes, and whole at any instant."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600; a crash leaves the old content or the new, and a reader sees one of them."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
