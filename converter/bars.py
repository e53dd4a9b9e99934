"""Progress on a terminal: the running step, and a bar for each of its parts with bytes and rate.

Where it is drawn is `cli`'s to say.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Live
from rich.text import Text

from .progress import Silent

_COUNTED = "counted"  # how far a step has come, in words, where that is not bytes


def live(console: Console) -> Live:
    """What draws the bars, and takes them away at the end."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn())
    return Live(*columns, _Size(), _Rate(), console=console, transient=True)


class _Size(DownloadColumn):
    """Nothing where nothing is counted, and no bytes where other things are."""

    def render(self, task: Task) -> Text:
        if _COUNTED in task.fields:
            return Text(task.fields[_COUNTED])
        return super().render(task) if task.completed or task.total else Text()


class _Rate(TransferSpeedColumn):
    """Nothing where nothing is known."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.speed and _COUNTED not in task.fields else Text()


class Bars:
    """`progress.Progress` on a terminal. A part's bar is there while it goes on: finished ones
    would push the others off a small screen."""

    def __init__(self, shown: Live) -> None:
        self._shown = shown
        self._step: TaskID | None = None
        self._parts: dict[str, TaskID] = {}
        self._lock = Lock()

    def step(self, description: str) -> None:
        with self._lock:
            for task in self._parts.values():
                self._shown.remove_task(task)
            self._parts.clear()
            if self._step is not None:
                self._shown.remove_task(self._step)
            self._step = self._shown.add_task(description, total=None)

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        if self._step is not None:
            self._shown.update(self._step, completed=done_bytes, total=total_bytes)

    def counted(self, done: int, total: int, last: str) -> None:
        if self._step is not None:
            fields: dict[str, Any] = {_COUNTED: f"{done} of {total}"}
            self._shown.update(self._step, completed=done, total=total, description=last, **fields)

    def part(self, name: str, done_bytes: int, total_bytes: int | None) -> None:
        with self._lock:
            if done_bytes == total_bytes:
                if name in self._parts:
                    self._shown.remove_task(self._parts.pop(name))
                return
            if name not in self._parts:
                self._parts[name] = self._shown.add_task(f"  {name}", total=total_bytes)
            self._shown.update(self._parts[name], completed=done_bytes, total=total_bytes)

    def say(self, line: str) -> None:
        """Above the bars, which stay at the bottom."""
        self._shown.console.print(line, markup=False, highlight=False, soft_wrap=True)


class Lines(Silent):
    """`progress.Progress` where there is no terminal: only what other programs say."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class CountedLines(Lines):
    """The same, and a line for each part that is done: a log of a long work shows that it lives."""

    def counted(self, done: int, total: int, last: str) -> None:
        self.say(f"{done} of {total}: {last}")
