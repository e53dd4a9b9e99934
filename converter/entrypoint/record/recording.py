"""What one recorded run of a start-up showed, as values. Nothing here runs or judges anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ...model import Change, ResourceLimit


class Ending(Enum):
    """Why the recorder stopped watching."""

    LISTENS = "it listens"
    ENDED = "it ended"
    SETTLED = "it runs and starts nothing more"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a start-up may use; past any of these it is ended, and the message says which."""

    time_s: float = 120
    memory_bytes: int = 2 << 30  # of all its processes together, and of the files it writes
    processes: int = 512
    output_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a start-up could copy into what it makes; two runs differ in all of it."""

    hostname: str
    address: str  # IPv4, of the one interface beside lo
    clock_offset_s: int  # added to CLOCK_REALTIME
    processors: int | None  # how many it may run on; None: all of this machine's


@dataclass(frozen=True, slots=True)
class Exec:
    """One successful execve(2)."""

    pid: int  # inside the sandbox: 1 is the container's first process
    parent: int  # the nearest process above it that had executed something itself
    exe: str  # /proc/PID/exe inside the image
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was there when the recorder stopped, with its state at its last execve(2)
    (that of its parent if it made none)."""

    pid: int
    parent: int  # the nearest process above it that was there, too
    exe: str
    argv: tuple[str, ...]
    listening: tuple[str, ...]  # "tcp 0.0.0.0:80", "tcp [::]:80", "udp …", "unix /run/x.sock"


@dataclass(frozen=True, slots=True)
class Final:
    """The state at the final execve(2): what a runtime has to begin with."""

    exe: str
    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int
    capabilities: tuple[str, ...]  # effective
    has_no_new_privileges: bool
    limits: tuple[ResourceLimit, ...]  # those that differ from what the sandbox began with


@dataclass(frozen=True, slots=True)
class Recording:
    """One run, watched to its end or to where it serves."""

    final: Final
    final_pid: int  # 1, or the process that is the program when 1 stays a wrapper
    ending: Ending
    exit_status: int | None  # of process 1, as a shell has it, if it ended
    execs: tuple[Exec, ...]  # in order, all processes
    processes: tuple[Process, ...]
    changes: tuple[Change, ...]  # at the final execve(2)
    output: str  # the last of what it printed
    written: tuple[str, ...] | None = None  # made, changed or opened to write, and there at the end
    forks_after_ready: int | None = None  # processes made since the program first listened
    execs_after_ready: int | None = None
    binders: tuple[tuple[str, int], ...] = ()  # what is listened on, the user who bound it
    # Numbers of the system calls that were seen, by executable; none where none was followed.
    called: Mapping[str, frozenset[int]] = field(default_factory=dict)
