"""What an audit has found so far, kept until it is over, by all that a row depends on.

A row is of the image as it was: after a day it is looked at again, and so is what could not be
read, for that may have been the network's doing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__, cache
from .assessment import UNREAD, How

_KIND = "audits"
_LONGEST_S = 24 * 3600
# A name means another image where another daemon is asked (docker(1), podman(1)).
_DAEMON = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "XDG_RUNTIME_DIR")


@dataclass(frozen=True, slots=True)
class Resumed:
    """The rows that are there already, by source, and since when."""

    rows: Mapping[str, dict[str, Any]]
    time_s: float  # of the oldest, since the epoch


class Kept:
    """Of the audit of these sources, asked in this way."""

    def __init__(self, sources: Sequence[str], how: How) -> None:
        # Paths of sources are relative to where we are; a name is the daemon's to understand.
        place = [os.getcwd(), *map(os.environ.get, _DAEMON), _context()]
        asked = json.dumps([__version__, list(sources), repr(how), place])
        digest = hashlib.sha256(asked.encode(errors="surrogateescape")).hexdigest()
        self._path: Path = cache.path(_KIND, f"sha256:{digest}")

    def read(self) -> Resumed:
        """None where there are none that can be read, or that still count."""
        try:
            found = json.loads(self._path.read_bytes())
            time_s = float(found["time_s"])
            rows = {row["source"]: row for row in found["rows"] if row["verdict"] != UNREAD}
        except (OSError, ValueError, KeyError, TypeError):
            return Resumed({}, time.time())
        if not rows or not 0 <= time.time() - time_s < _LONGEST_S:
            return Resumed({}, time.time())
        return Resumed(rows, time_s)

    def write(self, rows: Mapping[str, dict[str, Any]], time_s: float) -> None:
        with cache.writing(self._path) as file:
            file.write(json.dumps({"time_s": time_s, "rows": list(rows.values())}).encode())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _context() -> str:
    """The one that `docker context use` chose; empty where it is the usual one."""
    directory = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        return str(json.loads((Path(directory) / "config.json").read_bytes())["currentContext"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
