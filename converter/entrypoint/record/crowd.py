"""The processes of a run and what each executed last, as the recorder learns of them.

Pids are this machine's where a name says nothing else; `inner` ones are the container's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from . import listeners as sockets
from . import processes, programs
from .processes import State
from .snapshot import Snapshot
from .verdict import Listener, Scene

_DEAD = ("Z", "X")  # proc_pid_status(5)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One execve(2): who made it, how it left the process, and the files of that moment."""

    inner: int
    parent: int  # inner
    state: State
    snapshot: Snapshot

    @property
    def is_wrapper(self) -> bool:
        return programs.is_wrapper(self.state.exe, self.state.argv)

    @property
    def is_shell(self) -> bool:
        return programs.is_shell(self.state.exe, self.state.argv)


@dataclass(slots=True)
class Member:
    """A living process."""

    pid: int
    inner: int
    parent: int  # inner
    maker: int  # inner: the nearest above it that has executed something
    record: Record | None  # its own last, or that of the process it was forked from


class Crowd:
    """Those that live; threads are only counted."""

    def __init__(self) -> None:
        self.members: dict[int, Member] = {}
        self.tasks: set[int] = set()
        self._parents: dict[int, int] = {}  # inner, of all there ever were
        self._served: dict[int, Record] = {}  # what an inner pid was when it first listened
        self._users: dict[str, int] = {}  # inode of a socket -> who called bind(2) on it last

    def meet(self, task: int) -> bool:
        """A task that may be new; whether it is a process not met before."""
        if task in self.tasks:
            return False
        try:
            status = processes.status_of(task)
        except OSError:  # dead already
            return False
        if status["State"].startswith(_DEAD):  # its end may have been reported before its birth
            return False
        self.tasks.add(task)
        if int(status["Tgid"]) != task:
            return False
        parent = self.members.get(int(status["PPid"]))
        inner = processes.inner_pid(status)
        record = parent.record if parent else None
        above = parent.inner if parent else 0
        maker = record.inner if record else above
        self.members[task] = Member(task, inner, above, maker, record)
        self._parents[inner] = above
        return True

    def leave(self, task: int) -> Member | None:
        """A task's end; the process, if it was one."""
        self.tasks.discard(task)
        return self.members.pop(task, None)

    def process_of(self, task: int) -> Member | None:
        """Whom a thread belongs to."""
        if task in self.members:
            return self.members[task]
        try:
            return self.members.get(int(processes.status_of(task)["Tgid"]))
        except OSError:
            return None

    def serves(self, member: Member) -> None:
        """It listens: what it is now is what listens first, should it execute itself again."""
        if member.record is not None:
            self._served.setdefault(member.record.inner, member.record)

    def binds(self, task: int, descriptor: int) -> None:
        """A task is about to bind a socket: as whom (credentials(7): of each thread its own)."""
        inode = sockets.inode_of(task, descriptor)
        if inode is None:
            return
        with suppress(OSError):
            self._users[inode] = int(processes.status_of(task)["Uid"].split()[1])

    def binders(self, first: int) -> tuple[tuple[str, int], ...]:
        """Of what is listened on, the user at its bind(2), where one was seen."""
        table = sockets.table_of(first)
        found = {(table[inode], user) for inode, user in self._users.items() if inode in table}
        return tuple(sorted(found))

    def final(self, current: Record) -> Record:
        """A program that executes itself again once it listens began earlier."""
        served = self._served.get(current.inner)
        is_same = served is not None and served.state.exe == current.state.exe
        return served if is_same and served is not None else current

    def listening(self, first: int) -> dict[int, tuple[str, ...]]:
        """What each process listens on, for those that do, by pid; `first` is any of them."""
        table = sockets.table_of(first)
        found = {pid: sockets.listening(pid, table) for pid in self.members} if table else {}
        return {pid: what for pid, what in found.items() if what}

    def listeners(self, listening: dict[int, tuple[str, ...]]) -> tuple[Listener, ...]:
        return tuple(
            Listener(
                member.inner,
                self.program_of(member).inner,
                any(not name.startswith("unix ") for name in listening[pid]),
            )
            for pid, member in self.members.items()
            if pid in listening
        )

    def program_of(self, member: Member) -> Member:
        """The process that executed what this one runs, while it lives and still runs it: perhaps
        executed again meanwhile, as one does that leaves the work to its children."""
        record = member.record
        owner = self.by_inner(record.inner) if record is not None else None
        if record is None or owner is None or owner.record is None:
            return member
        return owner if owner.record.state.exe == record.state.exe else member

    def living_parent(self, member: Member) -> int:
        """Inner pid of the nearest process above it that lives: one that ended in between, as a
        daemon's does, tells nothing."""
        living = {one.inner for one in self.members.values()}
        above = member.parent
        while above and above not in living:
            above = self._parents.get(above, 0)
        return above

    def by_inner(self, inner: int) -> Member | None:
        return next((one for one in self.members.values() if one.inner == inner), None)

    def has_company(self, listening: dict[int, tuple[str, ...]]) -> bool:
        """Whether a process beside process 1 neither listens nor belongs to one that does."""
        lines = {pid: set(self._line(member)) for pid, member in self.members.items()}
        serving = {self.members[pid].inner for pid in listening if pid in self.members}
        above: set[int] = set().union(*(lines[pid] for pid in listening if pid in lines))
        return any(
            member.inner not in above and not lines[pid] & serving
            for pid, member in self.members.items()
            if member.inner != 1
        )

    def _line(self, member: Member) -> Iterator[int]:
        """Inner pids of a process and those above it, as far as they live, without process 1."""
        met = set[int]()
        here: Member | None = member
        while here is not None and here.inner not in (1, *met):
            met.add(here.inner)
            yield here.inner
            here = self.by_inner(here.parent)

    def only_program(self) -> int | None:
        """Inner pid of the process whose program all others are of, wrappers aside."""
        programs_ = {
            self.program_of(member).inner
            for member in self.members.values()
            if member.record is not None and not member.record.is_wrapper
        }
        return programs_.pop() if len(programs_) == 1 else None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long nothing has happened, in its ways."""

    quiet_s: float
    idle_s: float
    listening_s: float


def scene_of(
    crowd: Crowd, first: Record, listening: dict[int, tuple[str, ...]], timing: Timing
) -> Scene:
    """What `verdict` decides on, while process 1 lives."""
    return Scene(
        first_is_wrapper=first.is_wrapper,
        first_is_shell=first.is_shell,
        exit_status=None,
        listeners=crowd.listeners(listening),
        has_company=crowd.has_company(listening),
        only_program=crowd.only_program(),
        quiet_s=timing.quiet_s,
        idle_s=timing.idle_s,
        listening_s=timing.listening_s,
    )
