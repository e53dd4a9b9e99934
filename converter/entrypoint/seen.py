"""What two recorded runs showed of the container at work, without what chance decides.

Whether a question was answered, or what it does under load, is not seen here: nobody asks it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from ..model import SeenRun
from .record.recording import Ending, Recording


def seen_run(first: Recording, second: Recording) -> SeenRun:
    """Processes are counted in the second run, which may run on one processor whatever the machine
    has, for servers start as many workers; one that counts what sysfs lists still tells of this
    machine (sysconf(3), _SC_NPROCESSORS_ONLN)."""
    has_ended = second.ending is Ending.ENDED
    processes = tuple(sorted(one.exe for one in second.processes))
    return SeenRun(
        written=_written(first.written, second.written),
        processes=None if has_ended else processes,
        forks=second.forks_after_ready,
        execs=second.execs_after_ready,
        binders=second.binders,
        called=first.called,
        has_no_new_privileges=first.final.has_no_new_privileges,
    )


def _written(
    first: tuple[str, ...] | None, second: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    if first is None or second is None:
        return None
    both = set(first) & set(second)
    return tuple(sorted(both.union(_places(first, both), _places(second, both))))


def _places(paths: Iterable[str], both: set[str]) -> Iterator[str]:
    """Names made by chance stand for the directory they are in, which is there in both runs."""
    others = set(paths) - both
    yield from {posixpath.dirname(path) for path in others} - others
