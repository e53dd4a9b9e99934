"""The system calls that the sandbox needs and Python's `os` lacks, by way of the C library.

Each raises OSError as `os` does. Numbers are those of x86-64, the one machine images are for.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_int, c_long, c_uint, c_ulong, c_ulonglong, c_void_p

_LIBRARY = ctypes.CDLL(None, use_errno=True)

# unshare(2), namespaces(7): linux/sched.h
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# mount(2): sys/mount.h
MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2

# prctl(2): linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24

_CAPABILITY_VERSION_3 = 0x20080522  # capget(2)
_SYS_PIVOT_ROOT = 155
_SYS_CAPSET = 126
_SYS_SECCOMP = 317
_SYS_PIDFD_OPEN = 434
_SYS_OPENAT2 = 437
_SYS_PIDFD_GETFD = 438
_SECCOMP_SET_MODE_FILTER = 1  # seccomp(2)
_RESOLVE_INSIDE = 0x04 | 0x08  # openat2(2): RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH
_PAGE_BYTES = 4096


def unshare(flags: int) -> None:
    _checked(_LIBRARY.unshare(c_int(flags)), "unshare")


def setns(descriptor: int, flags: int) -> None:
    _checked(_LIBRARY.setns(c_int(descriptor), c_int(flags)), "setns")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2); `kind` is the file system's, empty for a bind or a remount."""
    words = [os.fsencode(word) or None for word in (source, target, kind, options)]
    done = _LIBRARY.mount(
        c_char_p(words[0]), c_char_p(words[1]), c_char_p(words[2]), c_ulong(flags),
        c_char_p(words[3]),
    )  # fmt: skip
    _checked(done, f"mount {kind or source} on {target}")


def unmount(target: str, flags: int) -> None:
    _checked(_LIBRARY.umount2(c_char_p(os.fsencode(target)), c_int(flags)), f"umount {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    words = c_char_p(os.fsencode(new_root)), c_char_p(os.fsencode(put_old))
    _checked(_LIBRARY.syscall(c_long(_SYS_PIVOT_ROOT), *words), "pivot_root")


def prctl(option: int, value: int = 0) -> None:
    done = _LIBRARY.prctl(c_int(option), c_ulong(value), c_ulong(0), c_ulong(0), c_ulong(0))
    _checked(done, f"prctl {option}")


def set_capabilities(permitted: int) -> None:
    """Permitted and effective become this bit set, inheritable becomes empty (capset(2))."""
    header = (c_uint * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = permitted & 0xFFFFFFFF, permitted >> 32
    data = (c_uint * 6)(low, low, 0, high, high, 0)
    _checked(_LIBRARY.syscall(c_long(_SYS_CAPSET), header, data), "capset")


class _FilterProgram(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", c_char_p))


def install_filter(program: bytes) -> None:
    """Make a seccomp filter of eight-byte instructions hold for this process and all it starts."""
    loaded = _FilterProgram(len(program) // 8, program)
    number, mode = c_long(_SYS_SECCOMP), c_uint(_SECCOMP_SET_MODE_FILTER)
    _checked(_LIBRARY.syscall(number, mode, c_uint(0), ctypes.byref(loaded)), "seccomp")


def copy_of_descriptor(pid: int, descriptor: int) -> int:
    """Another process's descriptor as one of ours (pidfd_getfd(2), Linux 5.6)."""
    process = _LIBRARY.syscall(c_long(_SYS_PIDFD_OPEN), c_int(pid), c_uint(0))
    _checked(process, "pidfd_open")
    try:
        words = c_int(process), c_int(descriptor), c_uint(0)
        return _checked(_LIBRARY.syscall(c_long(_SYS_PIDFD_GETFD), *words), "pidfd_getfd")
    finally:
        os.close(process)


class _OpenHow(ctypes.Structure):
    """struct open_how (openat2(2))."""

    _fields_ = (("flags", c_ulonglong), ("mode", c_ulonglong), ("resolve", c_ulonglong))


def open_inside(directory: int, path: str) -> int:
    """A file to read, below a directory and by no symlink, whoever renames what meanwhile."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    how = _OpenHow(flags, 0, _RESOLVE_INSIDE)
    number, name = c_long(_SYS_OPENAT2), c_char_p(os.fsencode(path))
    size = ctypes.c_size_t(ctypes.sizeof(how))
    done = _LIBRARY.syscall(number, c_int(directory), name, ctypes.byref(how), size)
    return _checked(done, path)


class _Piece(ctypes.Structure):
    """struct iovec (readv(2))."""

    _fields_ = (("base", c_void_p), ("length", ctypes.c_size_t))


def read_memory(pid: int, address: int, size_bytes: int) -> bytes:
    """Another process's memory, up to the first page that is not there (process_vm_readv(2) reads
    a piece whole or not at all)."""
    data = b""
    while len(data) < size_bytes:
        here = address + len(data)
        wanted = min(size_bytes - len(data), _PAGE_BYTES - here % _PAGE_BYTES)
        buffer = ctypes.create_string_buffer(wanted)
        try:
            _move(_LIBRARY.process_vm_readv, pid, buffer, here)
        except OSError:
            if not data:
                raise
            break
        data += buffer.raw
    return data


def write_memory(pid: int, address: int, data: bytes) -> None:
    """Into another process's memory, where it may write itself (process_vm_writev(2))."""
    _move(_LIBRARY.process_vm_writev, pid, ctypes.create_string_buffer(data, len(data)), address)


def _move(
    call: ctypes._NamedFuncPointer, pid: int, buffer: ctypes.Array[ctypes.c_char], address: int
) -> int:
    size_bytes = len(buffer)
    ours = _Piece(ctypes.cast(buffer, c_void_p), size_bytes)
    theirs = _Piece(address, size_bytes)
    one, none = c_ulong(1), c_ulong(0)
    done = call(c_int(pid), ctypes.byref(ours), one, ctypes.byref(theirs), one, none)
    return _checked(done, "process_vm_readv")


def told(error: OSError) -> str:
    """What failed and why, without the number."""
    why = error.strerror or str(error)
    return f"{error.filename}: {why}" if error.filename is not None else why


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
