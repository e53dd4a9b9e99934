"""What a run uses, held against its bounds. Looked at from outside, ten times a second."""

from __future__ import annotations

import time
from collections.abc import Collection

from . import processes
from .recording import Bounds

_LOOK_EVERY_S = 0.1
_TASKS_PER_PROCESS = 8  # threads are cheaper than processes; a JVM starts dozens
# Memory that no process has mapped (a memfd, System V's) is seen only in what the machine has left.
_LEAST_AVAILABLE = 16  # a part of what there was at the beginning
_BUSY = 0.1  # of one processor: less than that is waiting
# Who is followed from call to call waits for the recorder most of the time, and works all the same.
_BUSY_STOPS_PER_S = 200
_TICKS_PER_S = 100  # USER_HZ, for every architecture's proc(5)


class BoundBrokenError(Exception):
    """A start-up used more than it may."""


class Usage:
    """Counts for one run."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._began_s = time.monotonic()
        self._looked_s = self._began_s
        self._ticks: dict[int, int] = {}
        self.stops = 0  # of tasks that are followed from call to call, since the last look
        self._available_at_first = processes.available_bytes()
        self.busy_at_s = self._began_s  # when something was computed last
        self.output_bytes = 0

    def check_time(self) -> None:
        if time.monotonic() - self._began_s > self._bounds.time_s:
            raise BoundBrokenError(
                f"it took more than {self._bounds.time_s:g} s, the bound on time"
            )

    def check_output(self, written_bytes: int) -> None:
        self.output_bytes += written_bytes
        if self.output_bytes > self._bounds.output_bytes:
            raise BoundBrokenError(
                f"it printed more than {self._bounds.output_bytes} bytes, the bound on output"
            )

    def check_count(self, processes_count: int, tasks_count: int) -> None:
        most = self._bounds.processes
        if processes_count > most or tasks_count > most * _TASKS_PER_PROCESS:
            raise BoundBrokenError(f"it started more than {most} processes, the bound on them")

    def look(self, pids: Collection[int]) -> None:
        """At memory and work, when it is time to."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._note_work(pids, now_s)
        self._looked_s = now_s
        self._check_memory(pids)

    def _note_work(self, pids: Collection[int], now_s: float) -> None:
        ticks = {pid: processes.used_ticks(pid) for pid in pids}
        used = sum(ticks[pid] - self._ticks.get(pid, 0) for pid in pids)
        self._ticks = ticks
        passed_s, stops, self.stops = now_s - self._looked_s, self.stops, 0
        if used / _TICKS_PER_S > _BUSY * passed_s or stops > _BUSY_STOPS_PER_S * passed_s:
            self.busy_at_s = now_s

    def _check_memory(self, pids: Collection[int]) -> None:
        most = self._bounds.memory_bytes
        if sum(processes.resident_bytes(pid) for pid in pids) > most:
            used = sum(processes.proportional_bytes(pid) for pid in pids)
            if used > most:
                raise BoundBrokenError(f"it used more than {most} bytes, the bound on memory")
        if processes.available_bytes() < self._available_at_first // _LEAST_AVAILABLE:
            raise BoundBrokenError("it used nearly all memory this machine had, the bound on that")
