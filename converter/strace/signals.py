"""siginfo_t (sigaction(2)) as strace(1) shows it."""

from __future__ import annotations

from collections.abc import Sequence

from . import constants
from .kinds import signed

_HALF = 1 << 32
_SI_QUEUE, _SI_TIMER = -1, -2
_SIGCHLD = 17
# Whose codes above 0 have names of their own, and an address.
_FAULTS = {4: "illegal_code", 5: "trap_code", 7: "bus_code", 8: "arithmetic_code", 11: "fault_code"}
_SI_KERNEL = 0x80


def siginfo(signal: int, code: int, words: Sequence[int]) -> str:
    """`words` are the union's first 24 bytes."""
    code = signed(code, 32)
    shown = f"si_signo={constants.signal(signal)}, si_code={_code(signal, code)}"
    return f"{{{shown}{_details(signal, code, words)}}}"


def _code(signal: int, code: int) -> str:
    group = "child_code" if signal == _SIGCHLD else _FAULTS.get(signal)
    own = constants.known_value(group, code) if group and code > 0 else None
    return own or constants.value("signal_code", code)


def _details(signal: int, code: int, words: Sequence[int]) -> str:
    first, second, third = words
    low, high = first % _HALF, first >> 32
    if code == _SI_TIMER:
        return f", si_timerid={low:#x}, si_overrun={high}, si_value={_value(second)}".replace(
            "si_timerid=0x0", "si_timerid=0"
        )
    if code == _SI_KERNEL:
        return ""
    if signal == _SIGCHLD and code > 0:
        status = signed(second, 32)
        shown = str(status) if code == 1 else constants.signal(status)
        times = f", si_utime={third}, si_stime=0"
        return f", si_pid={low}, si_uid={high}, si_status={shown}{times}"
    if signal in _FAULTS and code > 0:
        return f", si_addr={f'{first:#x}' if first else 'NULL'}"
    sender = f", si_pid={low}, si_uid={high}"
    return f"{sender}, si_value={_value(second)}" if code == _SI_QUEUE else sender


def _value(number: int) -> str:
    return f"{{int={signed(number, 32)}, ptr={f'{number:#x}' if number else 'NULL'}}}"
