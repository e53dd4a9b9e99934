"""Which system calls the programs of a run make: each is followed from call to call for a while.

Two stops a call cost more than the call (ptrace(2), PTRACE_SYSCALL), so that neither a program nor
a run is followed for long: what a program calls for the first time after that is not seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from . import ptrace
from .crowd import Crowd, Member

_STOPS_OF_A_PROGRAM = 2 * 3_000
_STOPS_OF_A_RUN = 2 * 12_000


class Called:
    """What was called so far, by the executable that did."""

    def __init__(self, crowd: Crowd, *, is_wanted: bool) -> None:
        self._crowd = crowd
        self._stops_left = _STOPS_OF_A_RUN if is_wanted else 0
        self._stops: Counter[str] = Counter()
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)
        self._owners: dict[int, Member] = {}  # of threads
        self._executing: set[int] = set()  # in an execve(2) that has succeeded

    def is_followed(self, task: int) -> bool:
        """Whether it is to stop at its next call."""
        if self._stops_left <= 0:
            return False
        program = self._program_of(task)
        return program is not None and self._stops[program] < _STOPS_OF_A_PROGRAM

    def note(self, task: int) -> None:
        """A task that has stopped at a call, before it or after."""
        program = self._program_of(task)
        if task in self._executing:
            self._executing.discard(task)  # the call was that of the program before
        elif program is not None:
            self._stops_left -= 1
            self._stops[program] += 1
            number = ptrace.call_number(task)
            self._numbers[program].update((number,) if number >= 0 else ())  # -1: a signal's return

    def execute(self, task: int) -> None:
        if self._stops_left > 0:
            self._executing.add(task)

    def begin(self, program: str) -> None:
        """Process 1 has become it, and may stay it: followed whatever start-up has used."""
        if self._numbers or self._stops_left:
            self._stops[program] = 0
            self._stops_left = max(self._stops_left, _STOPS_OF_A_PROGRAM)

    def numbers(self) -> dict[str, list[int]]:
        return {program: sorted(found) for program, found in sorted(self._numbers.items())}

    def _program_of(self, task: int) -> str | None:
        """None before anything was executed."""
        member = self._crowd.members.get(task) or self._owner_of(task)
        return None if member is None or member.record is None else member.record.state.exe

    def _owner_of(self, thread: int) -> Member | None:
        owner = self._owners.get(thread)
        if owner is None and (owner := self._crowd.process_of(thread)) is not None:
            self._owners[thread] = owner
        return owner
