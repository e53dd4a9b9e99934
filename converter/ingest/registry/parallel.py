"""Several tasks at once, in threads that never keep the process from ending."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def in_parallel(
    tasks: Sequence[Callable[[], Result]], width: int, cancelled: threading.Event
) -> list[Result]:
    """The results in order, of at most `width` tasks at a time. The first error is raised, after
    `cancelled` was set for the tasks that still run; they are not waited for, and neither are
    they when we are interrupted: threads of an executor would be, at the end of the process."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()
    for index in range(len(tasks)):
        waiting.put(index)

    def work() -> None:
        while not cancelled.is_set():
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, tasks[index](), None))
            except BaseException as problem:
                done.put((index, None, problem))

    for _ in range(min(width, len(tasks))):
        threading.Thread(target=work, daemon=True).start()
    return _collected(len(tasks), done, cancelled)


def _collected(
    count: int,
    done: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]],
    cancelled: threading.Event,
) -> list[Result]:
    results: dict[int, Result] = {}
    try:
        while len(results) < count:
            index, result, problem = done.get()
            if problem is not None:
                raise problem
            results[index] = result  # type: ignore[assignment]  # without a problem there is one
    finally:
        cancelled.set()
    return [results[index] for index in range(count)]
