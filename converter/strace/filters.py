"""Which calls `--strace-filter` means: names, `%classes`, `/expressions`, as strace(1) has them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping

from ..errors import Dock2ukError
from .signature import Signature

# strace(1), "Filtering": what the classes that no argument gives away consist of.
_LISTED = {
    "network": "socket socketpair bind listen accept accept4 connect shutdown getsockname "
    "getpeername setsockopt getsockopt sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg",
    "process": "clone clone3 fork vfork execve execveat exit exit_group wait4 waitid kill tkill "
    "tgkill pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo",
    "signal": "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait "
    "rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend sigaltstack kill tkill tgkill pause signalfd "
    "signalfd4 pidfd_send_signal",
    "ipc": "shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl",
    "memory": "mmap mprotect munmap brk mremap msync mincore madvise mlock mlock2 munlock mlockall "
    "munlockall shmat shmdt remap_file_pages pkey_mprotect process_madvise",
    "creds": "getuid getgid geteuid getegid setuid setgid setreuid setregid getgroups setgroups "
    "setresuid getresuid setresgid getresgid setfsuid setfsgid capget capset prctl",
    "clock": "time gettimeofday settimeofday clock_gettime clock_settime clock_getres adjtimex "
    "clock_adjtime",
}
_BY_ARGUMENT: Mapping[str, frozenset[str]] = {
    "file": frozenset({"path"}),
    "desc": frozenset({"fd", "fds", "directory", "pollfd", "fd_set"}),
}
_ALIASES = {"net": "network", "fs": "file"}
_CLASSES = sorted({*_LISTED, *_BY_ARGUMENT, *_ALIASES, "all"})


def numbers(text: str, signatures: Mapping[int, Signature]) -> frozenset[int] | None:
    """The calls that `text` means, None for all of them. `!` before it means all others."""
    words = text.removeprefix("trace=")
    is_inverted = words.startswith("!")
    chosen = frozenset[int]()
    for word in filter(None, words.removeprefix("!").split(",")):
        chosen |= _chosen(word, signatures)
    if not chosen:
        raise Dock2ukError(f"the filter {text!r} names no system call", hint=_hint())
    if is_inverted:
        return frozenset(signatures) - chosen
    return None if chosen >= frozenset(signatures) else chosen


def _chosen(word: str, signatures: Mapping[int, Signature]) -> frozenset[int]:
    matches = _matcher(word, signatures)
    return frozenset(number for number, call in signatures.items() if matches(call))


def _matcher(word: str, signatures: Mapping[int, Signature]) -> Callable[[Signature], bool]:
    if word.startswith("/"):
        expression = _expression(word[1:])
        return lambda call: expression.search(call.name) is not None
    if word == "all" or word == "%all":
        return lambda call: True
    if word.startswith("%"):
        return _class(word[1:])
    names = [call.name for call in signatures.values()]
    if word not in names:
        raise Dock2ukError(f"there is no system call {word!r}", hint=_hint(word, names))
    return lambda call: call.name == word


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as problem:
        raise Dock2ukError(f"not a regular expression: {text!r}: {problem}") from problem


def _class(word: str) -> Callable[[Signature], bool]:
    name = _ALIASES.get(word, word)
    if name in _LISTED:
        listed = _LISTED[name].split()
        return lambda call: call.name in listed
    if name in _BY_ARGUMENT:
        types = _BY_ARGUMENT[name]
        return lambda call: any(argument.type in types for argument in call.arguments)
    raise Dock2ukError(
        f"there is no class of system calls %{word}",
        hint=_hint(f"%{word}", [f"%{name}" for name in _CLASSES]),
    )


def _hint(word: str = "", known: list[str] | None = None) -> str:
    near = difflib.get_close_matches(word, known or (), n=3)
    if near:
        return " or ".join(near)
    return f"names with commas between, or one of {', '.join(f'%{name}' for name in _CLASSES)}"
