"""Another time of day for a run than this machine has, given call by call.

The kernel has no namespace for it. The vDSO would answer without a system call, so that it is
hidden from each program as it begins (vdso(7): it is found by way of the auxiliary vector); the
seccomp filter then reports the calls. Times of files stay this machine's.
"""

from __future__ import annotations

import errno
import struct
import time

from . import linux, ptrace, seccomp

_AT_NULL, _AT_IGNORE, _AT_SYSINFO_EHDR = 0, 1, 33  # getauxval(3), elf.h
_WORD_BYTES = 8
_STACK_BYTES = 1 << 18  # arguments and environment may be long; the vector is behind them
_NO_CALL = (1 << 64) - 1


def hide_vdso(pid: int) -> None:
    """At the stop after an execve: the stack is as the kernel laid it out (ABI, § Process
    Initialization): argc, argv, 0, envp, 0, auxv."""
    top = ptrace.registers(pid).rsp
    stack = linux.read_memory(pid, top, _STACK_BYTES)
    words = [word for (word,) in struct.iter_unpack("=Q", stack[: len(stack) // 8 * 8])]
    place = 1 + words[0] + 1
    place = words.index(0, place) + 1
    while words[place] != _AT_NULL:
        if words[place] == _AT_SYSINFO_EHDR:
            linux.write_memory(pid, top + place * _WORD_BYTES, struct.pack("=Q", _AT_IGNORE))
        place += 2


def answer(pid: int, asked: ptrace.Registers, offset_s: int) -> None:
    """Give the time, moved, instead of the kernel; the call itself is not made."""
    asked.rax = _result(pid, asked, offset_s) & _NO_CALL
    asked.orig_rax = _NO_CALL
    ptrace.set_registers(pid, asked)


def _result(pid: int, asked: ptrace.Registers, offset_s: int) -> int:
    calls = seccomp.numbers("clock")
    try:
        if asked.orig_rax == calls["time"]:
            now_s = int(time.time()) + offset_s
            if asked.rdi:
                linux.write_memory(pid, asked.rdi, struct.pack("=q", now_s))
            return now_s
        if asked.orig_rax == calls["gettimeofday"]:
            _write_time(pid, asked.rdi, time.time_ns() // 1000, 1_000_000, offset_s)
            if asked.rsi:  # struct timezone: always zeros on Linux
                linux.write_memory(pid, asked.rsi, bytes(8))
            return 0
        now_ns = time.clock_gettime_ns(asked.rdi & 0xFFFFFFFF)
        _write_time(pid, asked.rsi, now_ns, 1_000_000_000, offset_s)
    except OSError:
        return -errno.EFAULT
    return 0


def _write_time(pid: int, address: int, now: int, units: int, offset_s: int) -> None:
    """struct timeval or timespec; nothing where the program wants nothing."""
    if address:
        data = struct.pack("=qq", now // units + offset_s, now % units)
        linux.write_memory(pid, address, data)
