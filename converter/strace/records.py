"""Records of the kernel, as they come in events (runtimes/husk/src/trace/)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Dock2ukError
from .kinds import signed
from .memory import Memory

# The kernel's digits, which need no case to tell 9 from a.
_DIGITS = str.maketrans("abcdefghijklmnop", "0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Call:
    """A thread enters a system call."""

    tid: int
    time_ns: int
    pid: int
    number: int
    registers: tuple[int, ...]  # the six arguments and the stack pointer
    memory: Memory


@dataclass(frozen=True, slots=True)
class Return:
    tid: int
    time_ns: int
    result: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal has its effect on a thread."""

    tid: int
    time_ns: int
    number: int
    code: int
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """A thread has ended; `status` is its process's, as wait(2) tells it."""

    tid: int
    time_ns: int
    status: int


Record = Call | Return | Signal | Gone


def parse(name: str, text: str) -> Record | None:
    """The record that an event is; None for other events."""
    if name not in ("call", "return", "signal", "gone"):
        return None
    try:
        return _parse(name, text)
    except (ValueError, IndexError) as problem:
        raise Dock2ukError(f"a record of the guest is not understood: {name} {text[:100]}") from (
            problem
        )


def _parse(name: str, text: str) -> Record:
    head, *pieces = text.translate(_DIGITS).split("@")
    tid, time_ns, *numbers = (int(word, 16) for word in head.split())
    memory = Memory(dict(map(_piece, pieces)))
    if name == "call":
        pid, number, *registers = numbers
        if len(registers) != 7:
            raise ValueError(len(registers))
        return Call(tid, time_ns, pid, number, tuple(registers), memory)
    if name == "return":
        return Return(tid, time_ns, signed(numbers[0]), memory)
    if name == "gone":
        return Gone(tid, time_ns, numbers[0])
    number, code, *words = numbers
    return Signal(tid, time_ns, number, signed(code, 32), tuple(words))


def _piece(text: str) -> tuple[int, bytes]:
    address, _, data = text.partition(":")
    return int(address, 16), bytes.fromhex(data)
