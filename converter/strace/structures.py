"""Types in memory: text, arrays and structures."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Iterator, Sequence

from . import constants, quoted
from .kinds import View, never, pointee, signed, unsigned
from .memory import Memory
from .signature import Argument
from .values import device, statx_mask

_FD_BITS = 1024
_SIG_DFL, _SIG_IGN = 0, 1
_SA_RESTORER = 0x4000000
_MOST_ELEMENTS = 32


@pointee("text", 1, "t")
def text(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _cut(view, argument, memory, at, quoted.text)


@pointee("hex_text", 1, "t")
def _hex_text(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _cut(view, argument, memory, at, quoted.hexadecimal)


def _cut(
    view: View, argument: Argument, memory: Memory, at: int, quote: Callable[..., str]
) -> str | None:
    size = view.count(argument)
    if size == 0:
        return '""'
    wanted = min(size, view.text_limit)
    data = memory.read(at, wanted)
    return None if data is None else quote(data, is_cut=size > wanted)


@pointee("path", 0, "s")
def _path(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.string(at)
    return None if data is None else quoted.text(data, is_cut=not memory.is_ended_string(at))


@pointee("name", 0, "s")
def _name(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.string(at)
    if data is None:
        return None
    return quoted.text(data[: view.text_limit], is_cut=len(data) > view.text_limit)


@pointee("arguments", 33, "p")
def _arguments(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    pointers = list(_pointers(memory, at))
    shown = [_name(view, argument, memory, p) or f"{p:#x}" for p in pointers[:_MOST_ELEMENTS]]
    return f"[{', '.join(shown + ['...'] * (len(pointers) > _MOST_ELEMENTS))}]"


@pointee("environment", 0, "p")
def _environment(view: View, argument: Argument, memory: Memory, at: int) -> str:
    count = len(list(_pointers(memory, at)))
    return f"{at:#x} /* {count} var{'s' * (count != 1)} */"


def _pointers(memory: Memory, at: int) -> Iterator[int]:
    while (data := memory.read(at, 8)) is not None and any(data):
        yield unsigned(data)
        at += 8


@pointee("fds", 8)
def _fds(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _array(memory, at, "<ii", str)


@pointee("thread_id", 4)
@pointee("int_box", 4)
@pointee("int_list_one", 4)
@pointee("id_box", 4)
def int_box(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _array(memory, at, "<i", str)


@pointee("time_box", 8)
@pointee("offset_box", 8)
def _offset_box(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _array(memory, at, "<q", str)


@pointee("offset_change", 8, is_deferred=True)
def _offset_change(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    before, after = (_array(known, at, "<q", str) for known in (memory, view.after))
    return before if after is None else f"{before} => {after}"


@pointee("length", 4, is_deferred=True)
def _length(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    before = memory.read(at, 4)
    if before is None:
        return None
    after = view.after.read(at, 4) or before
    return f"[{unsigned(before)}{f' => {unsigned(after)}' * (after != before)}]"


@pointee("id_list", 4)
def _id_list(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _array(memory, at, f"<{view.count(argument)}i", str)


def _array(memory: Memory, at: int, layout: str, show: Callable[[int], str]) -> str | None:
    data = memory.read(at, struct.calcsize(layout))
    return None if data is None else f"[{', '.join(map(show, struct.unpack(layout, data)))}]"


@pointee("cpu_set", 1)
def _cpu_set(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, min(view.count(argument), 128))
    return None if data is None else f"[{' '.join(map(str, _bits(data)))}]"


@pointee("fd_set", 128)
def _fd_set(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    descriptors = fd_set(view, memory, at)
    return None if descriptors is None else f"[{' '.join(map(str, descriptors))}]"


def fd_set(view: View, memory: Memory, at: int) -> Sequence[int] | None:
    """The descriptors below the first argument of select(2)."""
    count = min(max(signed(view.registers[0], 32), 0), _FD_BITS)
    data = memory.read(at, -(-count // 64) * 8)
    return None if data is None else [bit for bit in _bits(data) if bit < count]


def _bits(data: bytes) -> list[int]:
    return [bit for bit in range(8 * len(data)) if data[bit // 8] >> bit % 8 & 1]


@pointee("timespec", 16)
def timespec(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _timespec(memory, at, "tv_nsec")


@pointee("timeval", 16)
def _timeval(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _timespec(memory, at, "tv_usec")


def _timespec(memory: Memory, at: int, fraction: str) -> str | None:
    data = memory.read(at, 16)
    if data is None:
        return None
    seconds, part = struct.unpack("<qq", data)
    if fraction == "tv_nsec" and part in _SPECIAL_NS:
        return _SPECIAL_NS[part]
    return f"{{tv_sec={seconds}, {fraction}={part}}}"


_SPECIAL_NS = {(1 << 30) - 1: "UTIME_NOW", (1 << 30) - 2: "UTIME_OMIT"}  # utimensat(2)


@pointee("timespec_pair", 32)
def _timespec_pair(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    shown = [_timespec(memory, at + offset, "tv_nsec") for offset in (0, 16)]
    return None if shown[0] is None else f"[{', '.join(map(str, shown))}]"


@pointee("timeval_pair", 32)
def _timeval_pair(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    shown = [_timespec(memory, at + offset, "tv_usec") for offset in (0, 16)]
    return None if shown[0] is None else f"[{', '.join(map(str, shown))}]"


@pointee("itimerval", 32)
def _itimerval(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _interval(memory, at, "tv_usec")


@pointee("itimerspec", 32)
def _itimerspec(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _interval(memory, at, "tv_nsec")


def _interval(memory: Memory, at: int, fraction: str) -> str | None:
    interval, value = _timespec(memory, at, fraction), _timespec(memory, at + 16, fraction)
    return None if value is None else f"{{it_interval={interval}, it_value={value}}}"


@pointee("timezone", 8)
def _timezone(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    return _fields(memory, at, "<ii", ("tz_minuteswest", "tz_dsttime"))


def _fields(memory: Memory, at: int, layout: str, names: Sequence[str]) -> str | None:
    data = memory.read(at, struct.calcsize(layout))
    if data is None:
        return None
    fields = zip(names, struct.unpack(layout, data), strict=True)
    return f"{{{', '.join(f'{name}={number}' for name, number in fields)}}}"


@pointee("tms", 32)
def _tms(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    names = ("tms_utime", "tms_stime", "tms_cutime", "tms_cstime")
    return _fields(memory, at, "<qqqq", names)


def file_mode(mode: int) -> str:
    kind = constants.known_value("file_type", stat.S_IFMT(mode)) or f"{stat.S_IFMT(mode):#o}"
    special = [
        name
        for name, bit in (("S_ISUID", 0o4000), ("S_ISGID", 0o2000), ("S_ISVTX", 0o1000))
        if mode & bit
    ]
    return "|".join([kind, *special, f"0{mode & 0o777:02o}"])


@pointee("stat", 144)
def _stat(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 144)
    if data is None:
        return None
    mode, number, size = struct.unpack_from("<24xI12xQq", data)
    is_device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
    what = f"st_rdev={device(number)}" if is_device else f"st_size={size}"
    return f"{{st_mode={file_mode(mode)}, {what}, ...}}"


@pointee("statx", 256)
def _statx(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 256)
    if data is None:
        return None
    mask, attributes, mode, size = struct.unpack_from("<I4xQ12xH10xQ", data)
    return (
        f"{{stx_mask={statx_mask(view, mask)}, stx_attributes={attributes:#x}, "
        f"stx_mode={file_mode(mode)}, stx_size={size}, ...}}"
    ).replace("stx_attributes=0x0,", "stx_attributes=0,")


@pointee("statfs", 120)
def _statfs(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 120)
    if data is None:
        return None
    kind, *numbers = struct.unpack_from("<qqQQQQQ", data)
    first, second, length, fragment, flags = struct.unpack_from("<56xiiqqq", data)
    names = ("f_bsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree")
    counts = ", ".join(f"{name}={number}" for name, number in zip(names, numbers, strict=True))
    name = constants.known_value("file_system", kind) or f"{kind:#x}"
    return (
        f"{{f_type={name}, {counts}, f_fsid={{val=[{first:#x}, {second:#x}]}}, "
        f"f_namelen={length}, f_frsize={fragment}, f_flags={constants.flags('statfs', flags)}}}"
    )


@pointee("dirents", 1)
def _dirents(view: View, argument: Argument, memory: Memory, at: int) -> str:
    size = view.count(argument)
    data = memory.read_some(at, size)
    count = offset = 0
    while offset + 18 < len(data):
        length = unsigned(data[offset + 16 : offset + 18])
        if not length:
            break
        count, offset = count + 1, offset + length
    return f"{at:#x} /* {count} entr{'y' if count == 1 else 'ies'} */"


@pointee("utsname", 390)
def _utsname(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 390)
    if data is None:
        return None
    fields = [data[offset : offset + 65].partition(b"\0")[0] for offset in (0, 65)]
    system, node = map(quoted.text, fields)
    return f"{{sysname={system}, nodename={node}, ...}}"


@pointee("sysinfo", 112)
def _sysinfo(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 112)
    if data is None:
        return None
    uptime, *loads = struct.unpack_from("<qQQQ", data)
    memories = struct.unpack_from("<32x6Q", data)
    (processes,) = struct.unpack_from("<80xH", data)
    high, free_high, unit = struct.unpack_from("<88xQQI", data)
    names = ("totalram", "freeram", "sharedram", "bufferram", "totalswap", "freeswap")
    counts = ", ".join(f"{name}={number}" for name, number in zip(names, memories, strict=True))
    return (
        f"{{uptime={uptime}, loads=[{', '.join(map(str, loads))}], {counts}, procs={processes}, "
        f"totalhigh={high}, freehigh={free_high}, mem_unit={unit}}}"
    )


@pointee("rusage", 144)
def _rusage(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    user, system = _timespec(memory, at, "tv_usec"), _timespec(memory, at + 16, "tv_usec")
    return None if system is None else f"{{ru_utime={user}, ru_stime={system}, ...}}"


@pointee("rlimit", 16)
def _rlimit(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    words = memory.words(at, 2)
    if words is None:
        return None
    infinity = "RLIM64_INFINITY" if view.signature.name == "prlimit64" else "RLIM_INFINITY"
    soft, hard = (_limit(word, infinity) for word in words)
    return f"{{rlim_cur={soft}, rlim_max={hard}}}"


def _limit(number: int, infinity: str) -> str:
    if number == (1 << 64) - 1:
        return infinity
    return f"{number // 1024}*1024" if number > 1024 and number % 1024 == 0 else str(number)


@pointee("sigset", 8)
def _sigset(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    words = memory.words(at, 1)
    return None if words is None else constants.signal_set(words[0])


@pointee("sigset_box", 16)
def _sigset_box(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    """What pselect6(2) takes; the set itself is not recorded."""
    words = memory.words(at, 2)
    if words is None:
        return None
    return f"{{sigmask={f'{words[0]:#x}' if words[0] else 'NULL'}, sigsetsize={words[1]}}}"


@pointee("sigaction", 32)
def _sigaction(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    words = memory.words(at, 4)
    if words is None:
        return None
    handler, flags, restorer, mask = words
    known = {_SIG_DFL: "SIG_DFL", _SIG_IGN: "SIG_IGN"}
    shown = (
        f"sa_handler={known.get(handler, f'{handler:#x}')}, sa_mask={constants.signal_set(mask)}"
    )
    shown += f", sa_flags={_action_flags(flags)}"
    return f"{{{shown}{f', sa_restorer={restorer:#x}' if flags & _SA_RESTORER else ''}}}"


def _action_flags(flags: int) -> str:
    return constants.flags("signal_action", flags)


@pointee("stack", 24)
def _stack(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 24)
    if data is None:
        return None
    address, flags, size = struct.unpack("<QI4xQ", data)
    place = f"{address:#x}" if address else "NULL"
    return f"{{ss_sp={place}, ss_flags={constants.flags('signal_stack', flags)}, ss_size={size}}}"


@pointee("ucontext", 304)
def _ucontext(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    words = memory.words(at + 296, 1) or memory.words(at, 1)
    data = memory.read(at, 304)
    if data is None or words is None:
        return None
    return f"{{mask={constants.signal_set(unsigned(data[296:304]))}}}"


@pointee("wait_status", 4)
def _wait_status(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    data = memory.read(at, 4)
    if data is None or view.result == 0:
        return None
    return f"[{wait_status(unsigned(data))}]"


def wait_status(status: int) -> str:
    if os.WIFEXITED(status):
        return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {os.WEXITSTATUS(status)}}}"
    if os.WIFSIGNALED(status):
        core = " && WCOREDUMP(s)" * os.WCOREDUMP(status)
        return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {constants.signal(os.WTERMSIG(status))}{core}}}"
    if os.WIFSTOPPED(status):
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {constants.signal(os.WSTOPSIG(status))}}}"
    return "{WIFCONTINUED(s)}"


@pointee("hidden", 4, is_shown=never)
def _hidden(view: View, argument: Argument, memory: Memory, at: int) -> None:
    """Recorded for another argument's sake."""
    return
