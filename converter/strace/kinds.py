"""The types that signatures.tbl names: how each is shown, and for pointers what to record.

`values.py`, `structures.py`, `sockets.py` and `calls.py` fill the registry. A type that none of
them has is a group of constants.toml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import Dock2ukError
from . import constants
from .memory import Memory
from .signature import RESULT, Argument, Signature

_WORD = 1 << 64
_HALF_WORD = 1 << 32
_LARGEST_ERROR = 4095


@dataclass(frozen=True, slots=True)
class View:
    """One call as it is known: at its entry, or with its result."""

    signature: Signature
    registers: tuple[int, ...]  # the six arguments and the stack pointer
    before: Memory
    after: Memory = field(default_factory=Memory)
    result: int | None = None  # signed
    text_limit: int = 32

    @property
    def error(self) -> int | None:
        is_error = self.result is not None and -_LARGEST_ERROR <= self.result < 0
        return -self.result if is_error and self.result is not None else None

    def count(self, argument: Argument) -> int:
        """How many elements the memory of `argument` has, from the register that says so."""
        if argument.count == RESULT:
            return max(self.result or 0, 0)
        return 1 if argument.count > RESULT else self.registers[argument.count]

    def memory(self, argument: Argument) -> Memory:
        return self.after if argument.is_result else self.before


ShowValue = Callable[[View, int], str | None]
ShowMemory = Callable[[View, Argument, Memory, int], str | None]


def never(view: View) -> bool:
    return False


def always(view: View) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Value:
    """A type that a register holds. Shown as None it is left out."""

    show: ShowValue
    is_deferred: Callable[[View], bool]  # until the result is known


@dataclass(frozen=True, slots=True)
class Pointee:
    """A type in memory. `letter` and `unit_bytes` are what the kernel is told to record (see
    `trace::record` in runtimes/husk/src/trace). None when not enough of it is known."""

    show: ShowMemory
    letter: str
    unit_bytes: int
    is_deferred: bool = False
    is_shown: Callable[[View], bool] = always


_VALUES: dict[str, Value] = {}
_POINTEES: dict[str, Pointee] = {}


def value(
    name: str, *, is_deferred: Callable[[View], bool] = never
) -> Callable[[ShowValue], ShowValue]:
    """Registers a function as what shows values of type `name`."""

    def register(show: ShowValue) -> ShowValue:
        _VALUES[name] = Value(show, is_deferred)
        return show

    return register


def pointee(
    name: str,
    unit_bytes: int,
    letter: str = "m",
    *,
    is_deferred: bool = False,
    is_shown: Callable[[View], bool] = always,
) -> Callable[[ShowMemory], ShowMemory]:
    """Registers a function as what shows memory of type `name`, in the calls where it is that."""

    def register(show: ShowMemory) -> ShowMemory:
        _POINTEES[name] = Pointee(show, letter, unit_bytes, is_deferred, is_shown)
        return show

    return register


def pointee_of(argument: Argument) -> Pointee:
    found = _POINTEES.get(argument.type)
    if found is None:
        raise Dock2ukError(f"signatures.tbl names a type in memory not known: {argument.type}")
    return found


def is_deferred(view: View, argument: Argument) -> bool:
    """Whether `argument` can be shown only with the result."""
    if argument.is_pointer:
        return argument.is_result or pointee_of(argument).is_deferred
    return argument.type in _VALUES and _VALUES[argument.type].is_deferred(view)


def shown(view: View, argument: Argument) -> str | None:
    """`argument` as strace shows it; None when it shows nothing."""
    number = view.registers[argument.register]
    if argument.is_pointer:
        if not pointee_of(argument).is_shown(view):
            return None
        return _shown_memory(view, argument, number)
    return _shown_value(view, argument.type, number)


def _shown_memory(view: View, argument: Argument, address: int) -> str | None:
    if address == 0:
        return "NULL"
    if argument.is_result and (view.error is not None or view.result is None):
        return f"{address:#x}"
    text = pointee_of(argument).show(view, argument, view.memory(argument), address)
    return f"{address:#x}" if text is None else text


def _shown_value(view: View, name: str, number: int) -> str | None:
    if name in _VALUES:
        return _VALUES[name].show(view, number)
    if name in constants.groups("values"):
        return constants.value(name, number % _HALF_WORD)
    if name in constants.groups("flags"):
        return constants.flags(name, number % _HALF_WORD)
    raise Dock2ukError(f"signatures.tbl names a type not known: {name}")


def signed(number: int, bits: int = 64) -> int:
    number %= 1 << bits
    return number - (1 << bits) if number >> (bits - 1) else number


def unsigned(data: bytes) -> int:
    return int.from_bytes(data, "little")
