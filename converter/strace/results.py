"""What follows `=`: results, errors, and what some calls add to them."""

from __future__ import annotations

from . import constants
from .kinds import View, signed, unsigned
from .structures import fd_set
from .values import status_flags

_HALF = 1 << 32
# Calls that never come back.
ENDLESS = ("exit", "exit_group")


def shown(view: View) -> str:
    """`3`, `0x7f…`, `-1 ENOENT (No such file or directory)`, `? ERESTARTSYS (…)`."""
    if view.result is None:
        return "?"
    if view.error is not None:
        mark = "?" if constants.is_restart(view.error) else "-1"
        return f"{mark} {constants.error(view.error)}"
    known = {
        "address": _address, "octal": _octal, "polled": _polled, "selected": _selected,
        "fcntl": _fcntl, "signal_result": _signal, "policy_result": _policy, "int": _number,
    }  # fmt: skip
    return known.get(view.signature.result, _number)(view, view.result)


def _number(view: View, result: int) -> str:
    return str(result)


def _address(view: View, result: int) -> str:
    return f"{result % (1 << 64):#x}" if result else "NULL"


def _octal(view: View, result: int) -> str:
    return f"0{result:02o}"


def _signal(view: View, result: int) -> str:
    return f"{result} ({constants.signal(result)})"


def _policy(view: View, result: int) -> str:
    return f"{result} ({constants.value('policy', result)})"


def _fcntl(view: View, result: int) -> str:
    command = constants.known_value("fcntl", view.registers[1])
    if command == "F_GETFD" and result:
        return f"{result:#x} (flags {constants.flags('descriptor', result)})"
    if command == "F_GETFL":
        return f"{result:#x} (flags {status_flags(result)})"
    return str(result)


def _polled(view: View, result: int) -> str:
    """With the descriptors that have events, and the time left where the kernel tells it."""
    if result == 0:
        return "0 (Timeout)"
    at, count = view.registers[0], view.registers[1]
    data = view.after.read(at, 8 * count)
    if data is None:
        return str(result)
    ready = []
    for index in range(count):
        piece = data[8 * index : 8 * index + 8]
        events = unsigned(piece[6:8])
        if events:
            descriptor = signed(unsigned(piece[:4]), 32)
            ready.append(f"{{fd={descriptor}, revents={constants.flags('poll', events)}}}")
    return f"{result} ([{', '.join(ready)}]{_time_left(view, 2)})"


def _selected(view: View, result: int) -> str:
    parts = []
    for register, name in ((1, "in"), (2, "out"), (3, "except")):
        descriptors = fd_set(view, view.after, view.registers[register])
        if result and descriptors:
            parts.append(f"{name} [{' '.join(map(str, descriptors))}]")
    left = _time_left(view, 4).removeprefix(", ")
    if result == 0:
        return "0 (Timeout)"
    return f"{result} ({', '.join(parts + [left] * bool(left))})"


def _time_left(view: View, register: int) -> str:
    at = view.registers[register]
    if view.signature.name == "poll" or not at:
        return ""
    words = view.after.words(at, 2)
    if words is None:
        return ""
    fraction = "tv_usec" if view.signature.name == "select" else "tv_nsec"
    return f", left {{tv_sec={words[0]}, {fraction}={words[1]}}}"
