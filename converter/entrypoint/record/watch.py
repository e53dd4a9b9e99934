"""The recorder: watches a container's processes by ptrace(2) until their story is told.

Every task is seized; it stops at execve, fork and exit, and where the seccomp filter reports a
call, and at nothing else. At each execve that may turn out the last one all others are stopped
too, and the files are read.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from . import clock, linux, processes, ptrace, seccomp
from .called import Called
from .crowd import Crowd, Member, Record, Timing, scene_of
from .recording import Ending, Exec
from .snapshot import Snapshots
from .usage import BoundBrokenError, Usage
from .verdict import Verdict, decide

_STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_TICK_S = 0.05
_KEPT_OUTPUT_BYTES = 64 << 10
# Hundreds of busy tasks stop only as each gets its turn.
_FREEZE_S = 5.0
_FREEZE_LOOK_S = 0.01
_BATCH = 64  # events between two looks at the bounds
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen. `listening` is by pid of this machine."""

    verdict: Verdict
    final: Record
    limits_at_first: processes.Limits
    exit_status: int | None
    execs: tuple[Exec, ...]
    members: tuple[tuple[Member, int], ...]  # with the inner pid of the nearest living above
    listening: dict[int, tuple[str, ...]]
    binders: tuple[tuple[str, int], ...]
    forks_after_ready: int | None  # None: the program did not listen
    execs_after_ready: int | None
    called: dict[str, list[int]]  # by executable: numbers of system calls


class NeverBeganError(Exception):
    """Process 1 ended before it executed anything."""


class Watch:
    """One run. `first` is seized and still waiting; `output` is what the container prints to."""

    def __init__(
        self,
        first: int,
        output: int,
        snapshots: Snapshots,
        usage: Usage,
        *,
        follows_calls: bool = False,
    ) -> None:
        self._first = first
        self._output = output
        self._snapshots = snapshots
        self._usage = usage
        self._clock_offset_s = 0
        self._crowd = Crowd()
        self._crowd.meet(first)
        self._called = Called(self._crowd, is_wanted=follows_calls)
        self._waiting = deque[tuple[int, int]]()
        self._execs: list[Exec] = []
        self._first_record: Record | None = None
        self._child_record: Record | None = None  # the last program that process 1 started
        self._limits_at_first: processes.Limits = {}
        self._exit_status: int | None = None
        self._changed_s = time.monotonic()
        self._looked_s = 0.0
        self._listened_s: float | None = None
        self._forks = 0
        self._at_ready: dict[int, tuple[int, int]] = {}  # inner pid -> forks, execs before
        self._is_silent = False
        self.printed = bytearray()

    def shift_clock(self, offset_s: int) -> None:
        self._clock_offset_s = offset_s

    def until_decided(self) -> Outcome:
        """Watch on until there is a verdict; raises BoundBrokenError, SpoolFullError,
        UnreadableError or NeverBeganError."""
        while True:
            self._handle_events()
            self._usage.check_time()
            self._usage.look(self._crowd.members)
            outcome = self._outcome() if self._is_time_to_look() else None
            if outcome is not None:
                self._read_output()
                return outcome
            self._sleep()

    def end(self) -> None:
        """Kill everything, and see that it is gone."""
        deadline_s = time.monotonic() + _END_S
        with suppress(ProcessLookupError):
            os.kill(self._first, signal.SIGKILL)
        while time.monotonic() < deadline_s:
            try:
                pid, status = os.waitpid(-1, ptrace.WAIT_ALL | os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                time.sleep(0.001)
            elif os.WIFSTOPPED(status):
                with suppress(OSError):
                    ptrace.resume(pid)

    # -------------------------------------------------------------- events

    def _sleep(self) -> None:
        """Until something happens, or a tick. SIGCHLD ends it by way of the wake-up pipe."""
        heard = [] if self._is_silent else [self._output]
        ready, _, _ = select.select([*heard, *wake_pipe()], [], [], _TICK_S)
        for descriptor in ready:
            if descriptor == self._output:
                self._read_output()
            else:
                os.read(descriptor, 4096)

    def _read_output(self) -> None:
        with suppress(BlockingIOError):
            while data := os.read(self._output, 1 << 16):
                self.printed += data
                del self.printed[:-_KEPT_OUTPUT_BYTES]
                self._usage.check_output(len(data))
            self._is_silent = True  # nobody has the other end any more

    def _handle_events(self) -> None:
        for _ in range(_BATCH):
            event = self._next_event()
            if event is None:
                return
            with suppress(ProcessLookupError):  # killed since
                self._handle(*event)
            self._usage.check_count(len(self._crowd.members), len(self._crowd.tasks))

    def _next_event(self) -> tuple[int, int] | None:
        if self._waiting:
            return self._waiting.popleft()
        try:
            pid, status = os.waitpid(-1, ptrace.WAIT_ALL | os.WNOHANG)
        except ChildProcessError:
            return None
        return (pid, status) if pid else None

    def _handle(self, task: int, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self._on_exit(task, status)
            return
        self._meet(task)
        event, stopped_by = status >> 16, os.WSTOPSIG(status)
        if event == ptrace.EVENT_STOP and stopped_by in _STOPPING:
            ptrace.leave_stopped(task)
            return
        if stopped_by == ptrace.AT_CALL:
            self._called.note(task)
            self._usage.stops += 1
        elif event == ptrace.EVENT_EXEC:
            self._on_exec(task)
        elif event in (ptrace.EVENT_FORK, ptrace.EVENT_VFORK, ptrace.EVENT_CLONE):
            self._meet(ptrace.event_message(task))
        elif event == ptrace.EVENT_SECCOMP:
            self._on_call(task)
        is_signal = not event and stopped_by != ptrace.AT_CALL
        is_followed = self._called.is_followed(task)
        ptrace.resume(task, stopped_by if is_signal else 0, to_next_call=is_followed)

    def _meet(self, task: int) -> None:
        if self._crowd.meet(task):
            self._changed_s = time.monotonic()
            self._forks += 1

    def _on_exit(self, task: int, status: int) -> None:
        member = self._crowd.leave(task)
        if member is not None:
            self._changed_s = time.monotonic()
        if task == self._first:
            code = os.waitstatus_to_exitcode(status)
            self._exit_status = 128 - code if code < 0 else code  # as a shell has it

    def _on_exec(self, task: int) -> None:
        self._called.execute(task)
        former = ptrace.event_message(task)
        if former != task:  # a thread executed, and is its process now (ptrace(2))
            self._crowd.leave(former)
        if self._clock_offset_s:
            with suppress(ValueError, IndexError, OSError):
                clock.hide_vdso(task)
        member = self._crowd.members.get(task)
        if member is None:
            return
        self._changed_s = time.monotonic()
        try:
            state = processes.state_of(task)
        except OSError:  # killed at this very stop
            return
        self._execs.append(Exec(member.inner, member.maker, state.exe, state.argv))
        record = Record(member.inner, member.parent, state, {})
        if member.inner == 1 or not record.is_wrapper:
            self._freeze(task)
            take = self._snapshots.take_anew if member.inner == 1 else self._snapshots.take
            record = Record(member.inner, member.parent, state, take())
            self._changed_s = time.monotonic()
        member.record = record
        if member.parent == 1 and not record.is_wrapper:
            self._child_record = record
        if member.inner == 1:
            self._first_record = record
            self._called.begin(state.exe)
            self._limits_at_first = self._limits_at_first or state.limits

    def _freeze(self, already: int) -> None:
        """Stop all others. What they report meanwhile is handled, and they go on, afterwards."""
        running = self._crowd.tasks - {already} - {task for task, _ in self._waiting}
        for task in tuple(running):
            try:
                ptrace.interrupt(task)
            except OSError:
                running.discard(task)
        began_s = looked_s = time.monotonic()
        while running:
            try:
                task, status = os.waitpid(-1, ptrace.WAIT_ALL | os.WNOHANG)
            except ChildProcessError:
                return
            now_s = time.monotonic()
            if task:
                self._waiting.append((task, status))
                running.discard(task)
            elif now_s - looked_s > _FREEZE_LOOK_S:
                looked_s = now_s
                # One in vfork(2) stops when its child has executed something, which it cannot
                # while it is stopped itself. Neither changes a file.
                running = {task for task in running if processes.may_run(task)}
            elif now_s - began_s > _FREEZE_S:
                raise BoundBrokenError(f"its processes did not stop within {_FREEZE_S:g} s")
            else:
                time.sleep(0.0002)

    def _on_call(self, task: int) -> None:
        """A system call that the filter reports, before it is made."""
        asked = ptrace.registers(task)
        reported = seccomp.numbers("reported")
        if asked.orig_rax == reported["listen"]:
            self._on_listen(task)
        elif asked.orig_rax == reported["bind"]:
            self._crowd.binds(task, asked.rdi & 0xFFFFFFFF)
            if _makes_datagram_server(task, asked):
                self._on_listen(task)
        elif asked.orig_rax in seccomp.numbers("clock").values():
            clock.answer(task, asked, self._clock_offset_s)

    def _on_listen(self, task: int) -> None:
        member = self._crowd.process_of(task)
        if member is not None:
            self._crowd.serves(member)
            if member.record is not None:
                program = member.record.inner
                self._at_ready.setdefault(program, (self._forks, len(self._execs)))
        now_s = time.monotonic()
        self._listened_s = self._listened_s or now_s
        self._changed_s = now_s

    # -------------------------------------------------------------- verdict

    def _is_time_to_look(self) -> bool:
        """Not at each stop of a task that is followed from call to call: a look takes longer than
        many calls, and one that is always kept waiting seems to be idle."""
        now_s = time.monotonic()
        if self._exit_status is None and now_s - self._looked_s < _TICK_S:
            return False
        self._looked_s = now_s
        return True

    def _outcome(self) -> Outcome | None:
        if self._exit_status is not None:
            return self._ended()
        first = self._first_record
        now_s = time.monotonic()
        if first is None or self._waiting or now_s - self._changed_s < _TICK_S:
            return None
        listening = self._crowd.listening(self._first) if self._listened_s is not None else {}
        timing = Timing(
            quiet_s=now_s - self._changed_s,
            idle_s=now_s - max(self._changed_s, self._usage.busy_at_s),
            listening_s=now_s - self._listened_s if self._listened_s is not None else 0,
        )
        verdict = decide(scene_of(self._crowd, first, listening, timing))
        member = self._crowd.by_inner(verdict.pid) if verdict is not None else None
        if verdict is None or member is None or member.record is None:
            return None
        return self._told(verdict, self._crowd.final(member.record), listening)

    def _ended(self) -> Outcome:
        """What process 1 executed last; behind an init, what that started."""
        final = self._first_record
        if final is None:
            raise NeverBeganError
        if final.is_wrapper and not final.is_shell and self._child_record is not None:
            final = self._child_record
        return self._told(Verdict(Ending.ENDED, final.inner), final, {})

    def _told(
        self, verdict: Verdict, final: Record, listening: dict[int, tuple[str, ...]]
    ) -> Outcome:
        at_ready = self._at_ready.get(verdict.pid)
        return Outcome(
            verdict=verdict,
            final=final,
            limits_at_first=self._limits_at_first,
            exit_status=self._exit_status,
            execs=tuple(self._execs),
            members=tuple(
                (one, self._crowd.living_parent(one)) for one in self._crowd.members.values()
            ),
            listening=listening,
            binders=self._crowd.binders(self._first) if listening else (),
            forks_after_ready=self._forks - at_ready[0] if at_ready else None,
            execs_after_ready=len(self._execs) - at_ready[1] if at_ready else None,
            called=self._called.numbers(),
        )


def _makes_datagram_server(task: int, asked: ptrace.Registers) -> bool:
    """Whether a bind(2) gives a datagram socket a port of its own (ip(7))."""
    try:
        family, port = struct.unpack("=H2s", linux.read_memory(task, asked.rsi, 4))
        if family not in (socket.AF_INET, socket.AF_INET6) or port == b"\0\0":
            return False
        process = int(processes.status_of(task)["Tgid"])
        copy = linux.copy_of_descriptor(process, asked.rdi & 0xFFFFFFFF)
        with socket.socket(fileno=copy) as theirs:
            return theirs.type == socket.SOCK_DGRAM
    except (OSError, struct.error):
        return False


_WAKE_PIPE: list[int] = []


def wake_pipe() -> list[int]:
    """The end to read of a pipe into which every SIGCHLD of this process writes (select(2) alone
    would miss one that comes just before it)."""
    if not _WAKE_PIPE:
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        _WAKE_PIPE.append(reading)
    return _WAKE_PIPE
