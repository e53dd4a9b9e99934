"""Types that a register holds."""

from __future__ import annotations

from . import constants
from .kinds import View, always, signed, value

_HALF = 1 << 32
_AT_FDCWD = -100
_O_CREAT, _O_TMPFILE = 0o100, 0o20200000
_O_ACCMODE = 3
_MREMAP_FIXED = 2
_FUTEX_PRIVATE, _FUTEX_CLOCK_REALTIME = 128, 256


@value("int")
@value("fd")
@value("pid")
def _int(view: View, number: int) -> str:
    return str(signed(number, 32))


@value("uint")
def _uint(view: View, number: int) -> str:
    return str(number % _HALF)


@value("size")
def _size(view: View, number: int) -> str:
    return str(number)


@value("offset")
def _offset(view: View, number: int) -> str:
    return str(signed(number))


@value("hex_offset")
@value("hex")
@value("hex_size")
def _hex(view: View, number: int) -> str:
    return f"{number:#x}" if number else "0"


@value("late_address", is_deferred=always)
@value("address")
def address(view: View, number: int) -> str:
    return f"{number:#x}" if number else "NULL"


@value("mode")
@value("octal")
def mode(view: View, number: int) -> str:
    return f"0{number % _HALF:02o}"


@value("id")
def _id(view: View, number: int) -> str:
    return "-1" if number % _HALF == _HALF - 1 else str(number % _HALF)


@value("signal")
def _signal(view: View, number: int) -> str:
    return constants.signal(signed(number, 32))


@value("device")
def _device(view: View, number: int) -> str:
    return device(number)


def device(number: int) -> str:
    major = (number >> 8 & 0xFFF) | (number >> 32 & ~0xFFF)
    minor = (number & 0xFF) | (number >> 12 & ~0xFF & 0xFFFFFFFF)
    return f"makedev({major:#x}, {minor:#x})"


@value("unshown")
def _unshown(view: View, number: int) -> None:
    """The other half of an argument that takes two registers elsewhere (preadv(2))."""


@value("clone_bits")
def _clone_bits(view: View, number: int) -> str:
    return constants.flags("clone", number % _HALF)


@value("key")
def _key(view: View, number: int) -> str:
    return "IPC_PRIVATE" if number % _HALF == 0 else f"{number % _HALF:#x}"


@value("directory")
def _directory(view: View, number: int) -> str:
    descriptor = signed(number, 32)
    return "AT_FDCWD" if descriptor == _AT_FDCWD else str(descriptor)


@value("open_flags")
def open_flags(view: View, number: int) -> str:
    return status_flags(number % _HALF)


def status_flags(number: int) -> str:
    """What open(2) and fcntl(2)'s F_SETFL take."""
    access = constants.value("access_mode", number & _O_ACCMODE)
    rest = number & ~_O_ACCMODE
    return access if not rest else f"{access}|{constants.flags('open', rest)}"


@value("open_bits")
def _open_bits(view: View, number: int) -> str:
    return constants.flags("open", number % _HALF)


@value("open_mode")
def _open_mode(view: View, number: int) -> str | None:
    """open(2) looks at it only when it creates."""
    flags = next(
        view.registers[argument.register]
        for argument in view.signature.arguments
        if argument.type == "open_flags"
    )
    is_created = flags & _O_CREAT or flags & _O_TMPFILE == _O_TMPFILE
    return mode(view, number) if is_created else None


@value("access")
def _access(view: View, number: int) -> str:
    return constants.flags("access", number % _HALF) if number % _HALF else "F_OK"


@value("protection")
def _protection(view: View, number: int) -> str:
    return constants.flags("protection", number % _HALF) if number else "PROT_NONE"


@value("map_flags")
def _map_flags(view: View, number: int) -> str:
    sharing = constants.value("sync", number & 3)
    rest = number % _HALF & ~3
    return f"{sharing}|{constants.flags('map', rest)}" if rest else sharing


@value("new_address")
def _new_address(view: View, number: int) -> str | None:
    return address(view, number) if view.registers[3] & _MREMAP_FIXED else None


@value("statx_at")
def _statx_at(view: View, number: int) -> str:
    names, _ = constants.known_flags("statx_at", number)
    is_as_stat = not any(name.endswith("_SYNC") for name in names)
    return "|".join([*(["AT_STATX_SYNC_AS_STAT"] if is_as_stat else []), *names])


@value("statx_mask")
def statx_mask(view: View, number: int) -> str:
    basic, every = 0x7FF, 0xFFF
    if number & every == every:
        rest = number & ~every
        return "STATX_ALL" + (f"|{constants.flags('statx_mask', rest)}" if rest else "")
    if number & basic == basic:
        rest = number & ~basic
        return "STATX_BASIC_STATS" + (f"|{constants.flags('statx_mask', rest)}" if rest else "")
    return constants.flags("statx_mask", number)


@value("wait")
def _wait(view: View, number: int) -> str:
    return constants.flags("wait", number % _HALF)


@value("timer_or_zero")
def _timer_or_zero(view: View, number: int) -> str:
    return constants.flags("timer", number % _HALF)


@value("futex_operation")
def _futex_operation(view: View, number: int) -> str:
    command = number & ~(_FUTEX_PRIVATE | _FUTEX_CLOCK_REALTIME)
    name = constants.value("futex", command)
    private = "_PRIVATE" * bool(number & _FUTEX_PRIVATE)
    return f"{name}{private}{'|FUTEX_CLOCK_REALTIME' * bool(number & _FUTEX_CLOCK_REALTIME)}"


def futex_command(view: View) -> str:
    command = view.registers[1] & ~(_FUTEX_PRIVATE | _FUTEX_CLOCK_REALTIME)
    return constants.known_value("futex", command) or ""


@value("futex_value")
def _futex_value(view: View, number: int) -> str:
    return str(number % _HALF)


def is_futex_wait(view: View) -> bool:
    """Whether the fourth argument of futex(2) is a timeout."""
    return futex_command(view).startswith(("FUTEX_WAIT", "FUTEX_LOCK_PI"))


def _has_two_futexes(view: View) -> bool:
    return futex_command(view).endswith(("REQUEUE", "WAKE_OP", "REQUEUE_PI"))


@value("futex_count")
def _futex_count(view: View, number: int) -> str | None:
    is_count = _has_two_futexes(view) and not is_futex_wait(view)
    return str(number % _HALF) if is_count else None


@value("futex_address")
def _futex_address(view: View, number: int) -> str | None:
    return address(view, number) if _has_two_futexes(view) else None


@value("futex_last")
def _futex_last(view: View, number: int) -> str | None:
    command = futex_command(view)
    if command.endswith("_BITSET"):
        is_any = number % _HALF == _HALF - 1
        return "FUTEX_BITSET_MATCH_ANY" if is_any else f"{number % _HALF:#x}"
    if command == "FUTEX_WAKE_OP":
        return f"{number % _HALF:#x}"
    return str(number % _HALF) if command.startswith("FUTEX_CMP_REQUEUE") else None


@value("ipc_command")
def _ipc_command(view: View, number: int) -> str:
    return constants.value("ipc_command", number % 256)
