"""Types of poll(2), epoll(7), futex(2), timers and fcntl(2), whose meaning hangs on the call."""

from __future__ import annotations

import struct

from . import constants, quoted
from .kinds import View, always, pointee, signed, unsigned, value
from .memory import Memory
from .signals import siginfo
from .signature import Argument
from .structures import timespec
from .values import is_futex_wait, status_flags

_HALF = 1 << 32
_EPOLL_CTL_DEL = 2
_F_LOCKS = ("LK", "LKW")  # how the commands end that take a struct flock
_MOST_ELEMENTS = 32
_NAME_BYTES = 15


@pointee("pollfd", 8)
def _pollfd(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    polled = polled_descriptors(view, memory, at)
    if polled is None:
        return None
    shown = [
        f"{{fd={fd}, events={constants.flags('poll', events)}}}" if fd >= 0 else f"{{fd={fd}}}"
        for fd, events, _ in polled
    ]
    return f"[{', '.join(shown)}]"


def polled_descriptors(view: View, memory: Memory, at: int) -> list[tuple[int, int, int]] | None:
    """Each of poll(2)'s descriptors with the events asked for and those that came."""
    data = memory.read(at, 8 * view.registers[1])
    return None if data is None else list(struct.iter_unpack("<iHH", data)) if data else []


@pointee("epoll_event", 12)
def _epoll_events(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    count = view.count(argument)
    shown = [_epoll_event(memory, at + 12 * index) for index in range(min(count, _MOST_ELEMENTS))]
    if None in shown:
        return None
    return f"[{', '.join([*map(str, shown), *['...'] * (count > _MOST_ELEMENTS)])}]"


@pointee("epoll_event_one", 12)
def _epoll_event_one(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return None if view.registers[1] == _EPOLL_CTL_DEL else _epoll_event(memory, at)


def _epoll_event(memory: Memory, at: int) -> str | None:
    data = memory.read(at, 12)
    if data is None:
        return None
    events, word = struct.unpack("<IQ", data)
    shown = constants.flags("epoll_events", events)
    return f"{{events={shown}, data={{u32={word % _HALF}, u64={word}}}}}"


@pointee("futex_timeout", 16, is_shown=is_futex_wait)
def _futex_timeout(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return timespec(view, argument, memory, at)


def _fcntl_command(view: View) -> str:
    return constants.known_value("fcntl", view.registers[1]) or ""


@pointee("fcntl_lock", 32, is_shown=lambda view: _fcntl_command(view).endswith(_F_LOCKS))
def _fcntl_lock(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    is_asked = _fcntl_command(view).endswith("GETLK")
    current = view.after if view.result is not None and is_asked else memory
    data = current.read(at, 32)
    if data is None:
        return None
    kind, whence, start, length, pid = struct.unpack("<hh4xqqi4x", data)
    owner = f", l_pid={pid}" * is_asked
    return (
        f"{{l_type={constants.value('lock', kind)}, l_whence={constants.value('whence', whence)}, "
        f"l_start={start}, l_len={length}{owner}}}"
    )


@value("fcntl_number")
def _fcntl_number(view: View, number: int) -> str | None:
    command = _fcntl_command(view)
    if command.endswith(_F_LOCKS) or command.startswith("F_GET"):
        return None
    if command == "F_SETFD":
        return constants.flags("descriptor", number % _HALF)
    if command == "F_SETFL":
        return status_flags(number)
    known = ("F_DUPFD", "F_DUPFD_CLOEXEC", "F_SETOWN", "F_SETPIPE_SZ", "F_SETSIG")
    return str(signed(number, 32)) if command in known else f"{number:#x}"


@pointee("ioctl_argument", 60, is_deferred=True)
def _ioctl_argument(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    request = constants.known_value("ioctl", view.registers[1] % _HALF)
    if request == "FIONBIO":
        data = memory.read_some(at, 4)
        return f"[{signed(unsigned(data), 32)}]" if len(data) == 4 else None
    if view.error is not None:
        return None
    data = view.after.read_some(at, 8)
    if request in ("FIONREAD", "TIOCGPGRP", "TIOCOUTQ", "TIOCGSID") and len(data) >= 4:
        return f"[{signed(unsigned(data[:4]), 32)}]"
    if request == "TIOCGWINSZ" and len(data) == 8:
        rows, columns, x, y = struct.unpack("<HHHH", data)
        return f"{{ws_row={rows}, ws_col={columns}, ws_xpixel={x}, ws_ypixel={y}}}"
    return None


def _is_naming(view: View) -> bool:
    return constants.known_value("process_control", view.registers[0]) == "PR_SET_NAME"


@pointee("process_name", 0, "s", is_shown=_is_naming)
def _process_name(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.string(at)
    return None if data is None else quoted.text(data[:_NAME_BYTES], is_cut=len(data) > _NAME_BYTES)


@value("prctl_value")
def _prctl_value(view: View, number: int) -> str | None:
    return None if _is_naming(view) else f"{number:#x}" if number else "0"


@pointee("sigevent", 64)
def _sigevent(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 64)
    if data is None:
        return None
    number, signal, notify, tid = struct.unpack_from("<Qiii", data)
    shown = f"sigev_value={_value(number)}, sigev_signo={constants.signal(signal)}"
    shown += f", sigev_notify={constants.value('notification', notify)}"
    return f"{{{shown}{f', sigev_notify_thread_id={tid}' if notify == 4 else ''}}}"


def _value(number: int) -> str:
    pointer = f"{number:#x}" if number else "NULL"
    return f"{{sival_int={signed(number, 32)}, sival_ptr={pointer}}}"


@pointee("siginfo", 128)
def _siginfo(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 128)
    if data is None:
        return None
    signal, _, code = struct.unpack_from("<iii", data)
    return siginfo(signal, code, struct.unpack_from("<16xQQQ", data)) if signal else "{}"


_CLONE_PARENT_SETTID, _CLONE_SETTLS = 0x100000, 0x80000
_CLONE_CHILD_TID = 0x1000000 | 0x200000
_CSIGNAL = 0xFF


@value("clone_flags")
def _clone_flags(view: View, number: int) -> str:
    stack = view.registers[1]
    return f"child_stack={f'{stack:#x}' if stack else 'NULL'}, flags={_clone_bits(number)}"


def _clone_bits(number: int) -> str:
    signal = constants.signal(number & _CSIGNAL) if number & _CSIGNAL else ""
    bits = constants.flags("clone", number & ~_CSIGNAL) if number & ~_CSIGNAL else ""
    return "|".join(filter(None, (bits, signal))) or "0"


@value("clone_rest", is_deferred=always)
def _clone_rest(view: View, number: int) -> str | None:
    flags = view.registers[0]
    parts = []
    if flags & _CLONE_PARENT_SETTID:
        tid = view.after.read(view.registers[2], 4)
        shown = f"[{unsigned(tid)}]" if tid else f"{view.registers[2]:#x}"
        parts.append(f"parent_tid={shown}")
    if flags & _CLONE_SETTLS:
        parts.append(f"tls={view.registers[4]:#x}")
    if flags & _CLONE_CHILD_TID:
        parts.append(f"child_tidptr={view.registers[3]:#x}")
    return "".join(f", {part}" for part in parts) or None


@pointee("clone_args", 88)
def _clone_args(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    words = memory.words(at, 8)
    if words is None:
        return None
    flags, _pidfd, child, parent, signal, stack, size, tls = words
    parts = [f"flags={_clone_bits(flags & ~_CSIGNAL)}"]
    parts += [f"child_tid={child:#x}"] if flags & _CLONE_CHILD_TID else []
    parts += [f"parent_tid={parent:#x}"] if flags & _CLONE_PARENT_SETTID else []
    parts += [f"exit_signal={constants.signal(signal) if signal else 0}"]
    parts += [f"stack={f'{stack:#x}' if stack else 'NULL'}", f"stack_size={_size(size)}"]
    parts += [f"tls={tls:#x}"] if flags & _CLONE_SETTLS else []
    return f"{{{', '.join(parts)}}}"


def _size(number: int) -> str:
    return f"{number:#x}" if number else "0"


def _tells_tid(view: View) -> bool:
    words = view.before.words(view.registers[0], 1)
    return words is not None and words[0] & _CLONE_PARENT_SETTID != 0


@value("clone_result", is_deferred=_tells_tid)
def _clone_result(view: View, number: int) -> str | None:
    """What strace adds to clone3's structure; printed without a comma before."""
    if not _tells_tid(view) or view.result is None or view.error is not None:
        return None
    return f" => {{parent_tid=[{view.result}]}}"
