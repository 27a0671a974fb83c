"""What the build of the UI left in a folder: files whose names hold their hash, and a manifest of which is which."""

import json
from pathlib import Path
from typing import NamedTuple

from kit import logs

FOREVER = "public, max-age=31536000, immutable"  # the name holds a hash of the content
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

log = logs.get("built")


class File(NamedTuple):
    """A file and where it is asked for."""

    path: str
    content_type: str
    content: bytes


def files_in(folder: Path) -> dict[str, File]:
    """The files by plain names like `style.css`. None where nothing was built: pages are plain then, and work."""
    try:
        names: dict[str, str] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return {
            plain: File(f"/static/{name}", _TYPES[Path(name).suffix], (folder / name).read_bytes())
            for plain, name in names.items()
        }
    except (OSError, ValueError, KeyError) as error:
        log.warning("no stylesheet: pages stay plain", reason=repr(error))
        return {}
