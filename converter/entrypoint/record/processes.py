"""The state of a watched process, read from outside by way of proc(5).

The reader is in the sandbox's user namespace, so that IDs are those the container has, and in this
machine's pid namespace, so that nothing the container mounts or kills can be in the way.
Text is read as UTF-8: any other codec is a file of Python's, which a sandbox cannot read any more.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from functools import cache

from ... import capabilities

_LIMITS = (
    "RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_MEMLOCK",
    "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS",
    "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK",
)  # fmt: skip
_DELETED = " (deleted)"

Limits = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class State:
    """A process as it was at its last execve(2)."""

    exe: str
    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int
    capabilities: tuple[str, ...]
    has_no_new_privileges: bool
    limits: Limits


def state_of(pid: int) -> State:
    """All of it; OSError when the process is gone."""
    status = status_of(pid)
    return State(
        exe=os.readlink(f"/proc/{pid}/exe").removesuffix(_DELETED),
        argv=_strings(f"/proc/{pid}/cmdline"),
        env=_strings(f"/proc/{pid}/environ"),
        cwd=os.readlink(f"/proc/{pid}/cwd"),
        uid=int(status["Uid"].split()[1]),
        gid=int(status["Gid"].split()[1]),
        groups=tuple(int(word) for word in status["Groups"].split()),
        umask=int(status["Umask"], 8),
        capabilities=capabilities.names(int(status["CapEff"], 16)),
        has_no_new_privileges=status["NoNewPrivs"] == "1",
        limits={name: resource.prlimit(pid, getattr(resource, name)) for name in _LIMITS},
    )


def status_of(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="surrogateescape") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def inner_pid(status: dict[str, str]) -> int:
    """The pid that the container itself sees."""
    return int(status["NSpid"].split()[-1])


def _strings(path: str) -> tuple[str, ...]:
    with open(path, "rb") as file:
        data = file.read()
    return tuple(os.fsdecode(part) for part in data.split(b"\0")[:-1])


def used_ticks(pid: int) -> int:
    """Processor time of a process so far, in clock ticks; none when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def may_run(task: int) -> bool:
    """Whether a task is there and not in a sleep that only what it waits for ends ("D")."""
    try:
        with open(f"/proc/{task}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"D"
    except OSError:
        return False


def resident_bytes(pid: int) -> int:
    """Memory that a process has, pages shared with others counted in full."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _page_bytes()
    except (OSError, IndexError):
        return 0


def proportional_bytes(pid: int) -> int:
    """The same with every shared page divided among those that share it: exact, and slow."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8", errors="replace") as file:
            rows = (line.split() for line in file)
            return sum(int(row[1]) * 1024 for row in rows if row[0] == "Pss:")
    except OSError:
        return resident_bytes(pid)


def available_bytes() -> int:
    """What this machine can still give without swapping (MemAvailable of proc_meminfo(5))."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["MemAvailable"].split()[0]) * 1024


@cache
def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE")
