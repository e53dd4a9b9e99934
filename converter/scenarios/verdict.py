"""Reads a result out of what an attack program said. What is unclear counts as not blocked, and
what was not tried as not run."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence

from .values import Attempt, Record, Result, Scenario, Step

# Errors that say that a file, a part of its path, or a process is not there.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ESRCH)
_KILLED = 128  # and the signal's number, as shells have it


def judge(scenario: Scenario, record: Record) -> Attempt:
    """What came of it. An attacker goes on until nothing is left: whatever was refused on the way,
    and was not merely missing, is what stopped it."""
    result, because = _result(record)
    return Attempt(scenario, result, because, tuple(_seen(record)))


def not_run(scenario: Scenario, because: str) -> Attempt:
    return Attempt(scenario, Result.NOT_RUN, because)


def _result(record: Record) -> tuple[Result, str]:
    if record.is_achieved:
        return Result.NOT_BLOCKED, _way(record)
    if not record.steps:
        return Result.NOT_RUN, _ending(record)
    if record.steps[-1].returned is None:
        return _without_return(record.steps[-1], record)
    missing, refused = (_failed(record, is_absence) for is_absence in (True, False))
    if refused:
        return Result.REFUSED, _reason(refused)
    if missing:
        return Result.ABSENT, _reason(missing)
    return Result.NOT_BLOCKED, f"nothing refused it, without the effect: {_way(record)}"


def _failed(record: Record, is_absence: bool) -> list[Step]:
    """The steps that failed because something is not there; or the others that failed."""
    errors = [one for one in record.steps if one.returned is not None and one.returned < 0]
    return [one for one in errors if (-(one.returned or 0) in _ABSENT) is is_absence]


def _reason(failed: Sequence[Step]) -> str:
    *before, last = failed
    return f"{_line(last)}{f' (and {len(before)} more)' if before else ''}"


def _way(record: Record) -> str:
    """The steps that led there, without those that were refused."""
    return ", ".join(one.what for one in record.steps if one.returned is None or one.returned >= 0)


def _without_return(last: Step, record: Record) -> tuple[Result, str]:
    """A step that did not come back: another program runs now, or this one is dead."""
    if record.panic:
        return Result.REFUSED, f"the machine stopped: {record.panic}"
    if last.what.startswith("execve"):
        return Result.NOT_BLOCKED, f"{last.what} did not return; then {_ending(record)}"
    if record.fault and record.status is not None and record.status > _KILLED:
        return Result.REFUSED, f"{last.what}: killed by {record.fault}"
    return Result.NOT_RUN, f"{last.what}: {_ending(record)}"


def _ending(record: Record) -> str:
    if record.panic:
        return f"the machine stopped: {record.panic}"
    return "it did not end" if record.status is None else f"it ended with status {record.status}"


def _seen(record: Record) -> Iterator[str]:
    """Without what differs from boot to boot: addresses are shown as success."""
    yield from map(_line, record.steps)
    if record.fault:
        yield f"killed by {record.fault}"
    if record.panic:
        yield f"the machine stopped: {record.panic}"


def _line(step: Step) -> str:
    if step.returned is None:
        return f"{step.what}: no return"
    if step.returned >= 0:
        return f"{step.what}: done"
    if step.returned == -errno.ENOSYS:
        return f"{step.what}: not linked (ENOSYS)"
    return f"{step.what}: {errno.errorcode.get(-step.returned, str(step.returned))}"
