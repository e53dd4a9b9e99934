"""Looks at every image, several at once, and keeps what was found until all are done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__, cache, tools
from ..errors import ToolError
from .assessment import UNREAD, row, without

_LONGEST_S = 900.0  # for one image, its download included
_KIND = "audits"
# By the process that those of the images are forked from: half of the time of a small image's look.
_LOADED_ONCE = ("dock2uk.cli", "dock2uk.audit.assessment", "capstone", "docker")


@dataclass(frozen=True, slots=True)
class Audit:
    """`resolve` is how far to go to find each image's program (`entrypoint.Resolve`)."""

    sources: tuple[str, ...]
    resolve: str = "static"
    jobs: int = 2
    is_fresh: bool = False  # forget what an interrupted audit has found


def look(audit: Audit, on_row: Callable[[int, dict[str, Any]], None]) -> list[dict[str, Any]]:
    """A row for each, in the order of the sources; `on_row` is told how many are done, and each as
    it is. Interrupted, the next audit of the same goes on from there."""
    kept = _Kept(audit)
    rows = {} if audit.is_fresh else kept.rows()
    for done, source in enumerate(rows, start=1):
        on_row(done, rows[source])
    missing = [source for source in audit.sources if source not in rows]
    with ThreadPoolExecutor(audit.jobs) as pool:
        asked = {pool.submit(_assessed, source, audit.resolve): source for source in missing}
        try:
            for future in as_completed(asked):
                rows[asked[future]] = future.result()
                kept.write(rows)
                on_row(len(rows), future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [rows[source] for source in audit.sources]


def forget(audit: Audit) -> None:
    """The audit is over: what it found is written elsewhere."""
    _Kept(audit).remove()


def _assessed(source: str, resolve: str) -> dict[str, Any]:
    """By a process of its own; whatever becomes of it."""
    try:
        return dict(tools.apart(row, (source, resolve), _LOADED_ONCE, timeout_s=_LONGEST_S))
    except ToolError as problem:
        return without(source, UNREAD, (problem.message,))


class _Kept:
    """What an audit has found so far, by what was asked."""

    def __init__(self, audit: Audit) -> None:
        asked = json.dumps([__version__, audit.sources, audit.resolve])
        digest = hashlib.sha256(asked.encode(errors="surrogateescape")).hexdigest()
        self._path: Path = cache.path(_KIND, f"sha256:{digest}")

    def rows(self) -> dict[str, dict[str, Any]]:
        """None where there are none that can be read."""
        try:
            rows = json.loads(self._path.read_bytes())
            return {row["source"]: row for row in rows}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def write(self, rows: Mapping[str, dict[str, Any]]) -> None:
        with cache.writing(self._path) as file:
            file.write(json.dumps(list(rows.values())).encode())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
