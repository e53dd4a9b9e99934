"""What a stage tells of its progress. `cli` shows it; everybody else may ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what is being done; never asked anything."""

    def step(self, description: str) -> None:
        """A new step begins, and the one before it is over."""

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        """How far the step has come, where that can be counted."""

    def counted(self, done: int, total: int, last: str) -> None:
        """How many of the step's equal parts are done, and what came of the last of them."""

    def say(self, line: str) -> None:
        """A line of another program's output, to be shown as it comes."""

    def part(self, name: str, done_bytes: int, total_bytes: int | None) -> None:
        """How far one of the step's parts has come, which go on side by side; from any thread."""


class Silent:
    """Progress that nobody watches."""

    def step(self, description: str) -> None:
        return

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        return

    def counted(self, done: int, total: int, last: str) -> None:
        return

    def part(self, name: str, done_bytes: int, total_bytes: int | None) -> None:
        return

    def say(self, line: str) -> None:
        return
