"""Looks at every image, several at once, and keeps what was found until all are done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from .. import tools
from ..errors import InterruptedAuditError, ToolError
from ..progress import Progress
from .assessment import AS_READ, UNREAD, How, row, without
from .kept import Kept, Resumed

_LONGEST_S = 900.0  # for one image, its download included
# By the process that those of the images are forked from: half of the time of a small image's look.
_LOADED_ONCE = ("dock2uk.cli", "dock2uk.audit.assessment", "capstone", "docker")


@dataclass(frozen=True, slots=True)
class Audit:
    """Which images are looked at, and how."""

    sources: tuple[str, ...]
    how: How = AS_READ
    jobs: int = 2
    is_fresh: bool = False  # forget what an interrupted audit has found


def look(audit: Audit, progress: Progress) -> list[dict[str, Any]]:
    """A row for each, in the order of the sources. Interrupted, which is InterruptedAuditError, the
    next audit of the same goes on from there."""
    kept = Kept(audit.sources, audit.how)
    resumed = Resumed({}, time.time()) if audit.is_fresh else kept.read()
    rows = dict(resumed.rows)
    if rows:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(resumed.time_s))
        progress.say(f"resumed: {_counted(rows)} from {since} (--fresh begins anew)")
    progress.step(f"looking at {_counted(audit.sources)}")
    try:
        for one in _found(audit, [source for source in audit.sources if source not in rows]):
            rows[one["source"]] = one
            kept.write(rows, resumed.time_s)
            progress.counted(len(rows), len(audit.sources), f"{one['source']}: {one['verdict']}")
    except KeyboardInterrupt:
        raise InterruptedAuditError(
            f"interrupted: {len(rows)} of {_counted(audit.sources)} are done",
            hint="the same command goes on where it was",
        ) from None
    return [rows[source] for source in audit.sources]


def forget(audit: Audit) -> None:
    """The audit is over: what it found is written elsewhere."""
    Kept(audit.sources, audit.how).remove()


def _counted(images: Sized) -> str:
    return f"{len(images)} image{'' if len(images) == 1 else 's'}"


def _found(audit: Audit, sources: Sequence[str]) -> Iterator[dict[str, Any]]:
    """As they come."""
    with ThreadPoolExecutor(audit.jobs) as pool:
        asked = [pool.submit(_assessed, source, audit.how) for source in sources]
        try:
            for future in as_completed(asked):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _assessed(source: str, how: How) -> dict[str, Any]:
    """By a process of its own; whatever becomes of it."""
    try:
        return dict(tools.apart(row, (source, how), _LOADED_ONCE, timeout_s=_LONGEST_S))
    except ToolError as problem:
        return without(source, UNREAD, (problem.message,))
