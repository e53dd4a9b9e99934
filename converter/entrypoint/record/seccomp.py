"""Docker's default system call list as a seccomp(2) filter, and what it reports to the recorder.

The list is seccomp.toml; this is the small assembler that turns it into classic BPF
(linux/bpf_common.h, Documentation/networking/filter.rst § BPF engine and instruction set).
"""

from __future__ import annotations

import errno
import struct
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

# Opcodes: load a word of seccomp_data, jump on a comparison with a constant, end.
_LOAD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER = 0x25
_JUMP_GREATER_OR_EQUAL = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06

# linux/seccomp.h
_KILL = 0x80000000
_ERRNO = 0x00050000
_TRACE = 0x7FF00000
_ALLOW = 0x7FFF0000

# struct seccomp_data; of an argument the low word, for the kernel looks at no more of these.
_NUMBER_OFFSET = 0
_ARCHITECTURE_OFFSET = 4
_FIRST_ARGUMENT_OFFSET = 16
_X86_64 = 0xC000003E  # AUDIT_ARCH_X86_64

# Every CLONE_NEW* that clone(2) takes but CLONE_NEWTIME, which it cannot: moby's own mask.
_NAMESPACE_FLAGS = 0x7E020000
_AF_VSOCK = 40
# personality(2): Linux, 32-bit addresses (ADDR_LIMIT…, UNAME26), and asking.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
# CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI: those that tell the time of day.
WALL_CLOCKS = (0, 5, 11)

Instruction = tuple[int, int, int, int]  # opcode, steps when true, steps when false, constant


@cache
def numbers(group: str) -> Mapping[str, int]:
    """A group of seccomp.toml: names and numbers."""
    text = files(__package__).joinpath("seccomp.toml").read_text(encoding="utf-8")
    return {name: int(number) for name, number in tomllib.loads(text)[group].items()}


def load() -> None:
    """Read the list now; later it may be out of reach."""
    for group in ("allowed", "reported", "clock", "argument"):
        numbers(group)


def docker_filter() -> bytes:
    """The filter of a run in this machine's own time."""
    return _assembled([*_architecture(), *_reported(), *_decided(), *_allowed()])


def shifted_clock_filter() -> bytes:
    """The same, where the recorder answers for the clock."""
    return _assembled([*_architecture(), *_clock(), *_reported(), *_decided(), *_allowed()])


def _assembled(instructions: Iterable[Instruction]) -> bytes:
    """struct sock_filter, one after the other; what nothing let through gets EPERM."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    return b"".join(struct.pack("<HBBI", *one) for one in [*instructions, refuse])


def _architecture() -> list[Instruction]:
    """Numbers mean something else to 32-bit programs, and images are not for them."""
    return [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_JUMP_EQUAL, 1, 0, _X86_64),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
    ]


def _when(number: int, then: list[Instruction]) -> list[Instruction]:
    """`then` must end in a return on every way through it."""
    return [(_JUMP_EQUAL, 0, len(then), number), *then]


def _reported() -> list[Instruction]:
    told = numbers("reported").values()
    return [one for number in told for one in _when(number, [(_RETURN, 0, 0, _TRACE)])]


def _clock() -> list[Instruction]:
    clock = numbers("clock")
    return [
        *_when(clock["gettimeofday"], [(_RETURN, 0, 0, _TRACE)]),
        *_when(clock["time"], [(_RETURN, 0, 0, _TRACE)]),
        *_when(clock["clock_gettime"], _one_of(WALL_CLOCKS, _TRACE, _ALLOW)),
    ]


def _decided() -> list[Instruction]:
    """Calls whose first argument decides."""
    refuse, argument = _ERRNO | errno.EPERM, numbers("argument")
    flags = [
        (_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        (_JUMP_ANY_BIT, 0, 1, _NAMESPACE_FLAGS),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [
        *_when(argument["clone"], flags),
        # Its flags are in memory, out of reach: the C library then falls back to clone.
        *_when(argument["clone3"], [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]),
        *_when(argument["personality"], _one_of(_PERSONALITIES, _ALLOW, refuse)),
        *_when(argument["socket"], _one_of((_AF_VSOCK,), refuse, _ALLOW)),
    ]


def _one_of(values: Iterable[int], then: int, otherwise: int) -> list[Instruction]:
    """Return `then` when the first argument is one of the values."""
    wanted = tuple(values)
    tests = [(_JUMP_EQUAL, len(wanted) - place, 0, value) for place, value in enumerate(wanted)]
    load = (_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET)
    return [load, *tests, (_RETURN, 0, 0, otherwise), (_RETURN, 0, 0, then)]


def _allowed() -> list[Instruction]:
    return [
        one
        for first, last in _ranges(numbers("allowed").values())
        for one in (
            (_JUMP_GREATER_OR_EQUAL, 0, 2, first),
            (_JUMP_GREATER, 1, 0, last),
            (_RETURN, 0, 0, _ALLOW),
        )
    ]


def _ranges(values: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    ordered = sorted(values)
    first = last = ordered[0]
    for value in ordered[1:]:
        if value != last + 1:
            yield first, last
            first = value
        last = value
    yield first, last
