"""What a stage tells of its progress. `cli` shows it; everybody else may ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what is being done; never asked anything."""

    def step(self, description: str) -> None:
        """A new step begins, and the one before it is over."""

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        """How far the step has come, where that can be counted."""


class Silent:
    """Progress that nobody watches."""

    def step(self, description: str) -> None:
        return

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        return
