"""A folder for a test server: short, and open enough for the account PostgreSQL runs under."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """A new folder that is gone afterwards. Others may pass through it, and may not list it."""
    folder = Path(tempfile.mkdtemp(prefix=f"cellcast-{name}-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
