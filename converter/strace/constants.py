"""Linux's names for numbers: constants.toml, errno values and signals."""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FIRST_REALTIME = 32
_LAST_SIGNAL = 64
# signal(7); names rather than Python's `signal`, which tells two of some numbers.
_SIGNALS = [
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
    "STKFLT",
    "CHLD",
    "CONT",
    "STOP",
    "TSTP",
    "TTIN",
    "TTOU",
    "URG",
    "XCPU",
    "XFSZ",
    "VTALRM",
    "PROF",
    "WINCH",
    "IO",
    "PWR",
    "SYS",
]
# What the kernel uses within itself, and strace shows of it (linux/errno.h).
_RESTARTS = {
    512: "ERESTARTSYS (To be restarted if SA_RESTART is set)",
    513: "ERESTARTNOINTR (To be restarted)",
    514: "ERESTARTNOHAND (To be restarted if no handler)",
    516: "ERESTART_RESTARTBLOCK (Interrupted by signal)",
}


@cache
def _tables() -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    return tomllib.loads(Path(__file__).with_name("constants.toml").read_text())


def groups(kind: str) -> Mapping[str, Mapping[str, int]]:
    """Every group of `flags` or of `values`."""
    return _tables()[kind]


@cache
def _names(group: str) -> Mapping[int, str]:
    # The first of several names of a number is the one to show.
    return {number: name for name, number in reversed([*groups("values")[group].items()])}


def value(group: str, number: int) -> str:
    """The name of `number`, or the number and which kind of name it lacks."""
    return _names(group).get(number) or f"{number:#x} /* {_prefix('values', group)}??? */"


@cache
def _prefix(kind: str, group: str) -> str:
    first, underscore, _ = next(iter(groups(kind)[group])).partition("_")
    return first + underscore


def known_value(group: str, number: int) -> str | None:
    return _names(group).get(number)


def flags(group: str, number: int) -> str:
    """Names of the bits that are set, joined; what has no name in hexadecimal."""
    if number == 0:
        return "0"
    names, rest = known_flags(group, number)
    if rest and not names:
        return f"{rest:#x} /* {_prefix('flags', group)}??? */"
    return "|".join([*names, *([f"{rest:#x}"] if rest else [])])


def known_flags(group: str, number: int) -> tuple[list[str], int]:
    """Names of the bits of `number`, and the bits without one."""
    names: list[str] = []
    for name, bits in groups("flags")[group].items():
        if bits and number & bits == bits:
            names.append(name)
            number &= ~bits
    return names, number


def error(number: int) -> str:
    """`ENOENT (No such file or directory)`."""
    if number in _RESTARTS:
        return _RESTARTS[number]
    name = errno.errorcode.get(number)
    return f"{name} ({os.strerror(number)})" if name else f"{number} (Unknown error {number})"


def is_restart(number: int) -> bool:
    return number in _RESTARTS


def signal(number: int) -> str:
    """`SIGINT`, `SIGRT_3`, or the number."""
    if 0 < number <= len(_SIGNALS):
        return f"SIG{_SIGNALS[number - 1]}"
    if number == _FIRST_REALTIME:
        return "SIGRTMIN"
    if _FIRST_REALTIME < number <= _LAST_SIGNAL:
        return f"SIGRT_{number - _FIRST_REALTIME}"
    return str(number)


def signal_set(mask: int) -> str:
    """As strace(1): `[INT TERM]`, or `~[…]` when most are in."""
    every = range(1, _LAST_SIGNAL + 1)
    members = [number for number in every if mask >> (number - 1) & 1]
    others = [number for number in every if number not in members]
    is_inverted = len(members) > _LAST_SIGNAL * 2 // 3
    shown = others if is_inverted else members
    return f"{'~' * is_inverted}[{' '.join(signal(n).removeprefix('SIG') for n in shown)}]"
