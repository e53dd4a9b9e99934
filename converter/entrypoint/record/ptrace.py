"""ptrace(2) for a process that watches others and stops them only at execve, fork and exit."""

from __future__ import annotations

import ctypes
import os
import signal
from ctypes import c_long, c_ulong, c_ulonglong, c_void_p

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_LIBRARY.ptrace.restype = c_long
_LIBRARY.ptrace.argtypes = (c_long, c_long, c_void_p, c_void_p)

# linux/ptrace.h
_PEEKUSER = 3
_CONT = 7
_GETREGS = 12
_SETREGS = 13
_GETEVENTMSG = 0x4201
_SYSCALL = 24
_SEIZE = 0x4206
_INTERRUPT = 0x4207
_LISTEN = 0x4208

EVENT_FORK = 1
EVENT_VFORK = 2
EVENT_CLONE = 3
EVENT_EXEC = 4
EVENT_SECCOMP = 7
EVENT_STOP = 128
AT_CALL = signal.SIGTRAP | 0x80  # what a stop at a system call is told as (PTRACE_O_TRACESYSGOOD)

_OPTION_EXITKILL = 1 << 20
_OPTION_TRACESYSGOOD = 1
_OPTIONS = _OPTION_EXITKILL | _OPTION_TRACESYSGOOD
for _event in (EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_SECCOMP):
    _OPTIONS |= 1 << _event

WAIT_ALL = 0x40000000  # __WALL of waitpid(2): threads too


class Registers(ctypes.Structure):
    """struct user_regs_struct (sys/user.h), x86-64."""

    _fields_ = tuple(
        (name, c_ulonglong)
        for name in (
            "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx",
            "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base",
            "gs_base", "ds", "es", "fs", "gs",
        )
    )  # fmt: skip

    orig_rax: int
    rax: int
    rdi: int
    rsi: int
    rdx: int
    rsp: int


_CALL_NUMBER_OFFSET = 15 * 8  # ORIG_RAX (sys/reg.h), of struct user


def seize(pid: int) -> None:
    """Watch a process, and all it starts; they die when we do."""
    _call(_SEIZE, pid, _OPTIONS)


def resume(pid: int, signal: int = 0, *, to_next_call: bool = False) -> None:
    _call(_SYSCALL if to_next_call else _CONT, pid, signal)


def interrupt(pid: int) -> None:
    _call(_INTERRUPT, pid, 0)


def leave_stopped(pid: int) -> None:
    """After a group-stop: it goes on when SIGCONT comes, as it would without us."""
    _call(_LISTEN, pid, 0)


def event_message(pid: int) -> int:
    """The new process of a fork, the former thread of an execve."""
    message = c_ulong()
    _call_at(_GETEVENTMSG, pid, ctypes.byref(message))
    return message.value


def registers(pid: int) -> Registers:
    found = Registers()
    _call_at(_GETREGS, pid, ctypes.byref(found))
    return found


def call_number(pid: int) -> int:
    """Of the system call that it is in, at a stop there."""
    ctypes.set_errno(0)
    number = _LIBRARY.ptrace(_PEEKUSER, pid, _CALL_NUMBER_OFFSET, None)
    if number == -1 and ctypes.get_errno():
        _fail(_PEEKUSER, pid)
    return int(number)


def set_registers(pid: int, wanted: Registers) -> None:
    _call_at(_SETREGS, pid, ctypes.byref(wanted))


def _call(request: int, pid: int, data: int) -> None:
    if _LIBRARY.ptrace(request, pid, None, data) < 0:
        _fail(request, pid)


def _call_at(request: int, pid: int, place: object) -> None:
    if _LIBRARY.ptrace(request, pid, None, ctypes.cast(place, c_void_p)) < 0:  # type: ignore[arg-type]
        _fail(request, pid)


def _fail(request: int, pid: int) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"ptrace request {request:#x} for {pid}: {os.strerror(number)}")
