"""Writes the fuzzer's table of calls: the kernel's, with what their arguments are.

Numbers come from syscalls.tbl, arguments from signatures.tbl, flags and other constants from the
groups that `dock2uk run --strace` shows them by. A call without a signature has six words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HUSK = ROOT / "runtimes/husk"
_CONSTANTS = ROOT / "converter/strace/constants.toml"

_STRUCTURES = {
    "path": "PATH",
    "name": "PATH",
    "text": "TEXT",
    "timespec": "TIMES",
    "timespec_pair": "TIMES",
    "timeval": "TIMES",
    "timeval_pair": "TIMES",
    "itimerval": "TIMES",
    "itimerspec": "TIMES",
    "futex_timeout": "TIMES",
    "sockaddr": "SOCKET_ADDRESS",
    "iovec": "IO_VECTOR",
    "msghdr": "MESSAGE_HEADER",
    "mmsghdr": "MESSAGE_HEADER",
    "pollfd": "POLL_FDS",
    "epoll_event_one": "EPOLL_EVENT",
    "sigset": "SIGNAL_SET",
    "sigaction": "SIGNAL_ACTION",
    "sigevent": "SIGNAL_EVENT",
    "stack": "SIGNAL_STACK",
    "arguments": "STRINGS",
    "environment": "STRINGS",
    "clone_args": "CLONE_ARGUMENTS",
    "length": "LENGTH_BOX",
    "fcntl_lock": "FILE_LOCK",
    "fd_set": "FD_SET",
}
_KINDS = {
    "fd": "FD",
    "directory": "FD",
    "pid": "PID",
    "signal": "SIGNAL",
    "size": "SIZE",
    "hex_size": "SIZE",
    "uint": "SIZE",
    "id": "ID",
    "mode": "MODE",
    "octal": "MODE",
}
# Types of signatures that are made of groups of another name.
_GROUPS = {
    "open_flags": "open",
    "open_bits": "open",
    "map_flags": "map",
    "clone_flags": "clone",
    "clone_bits": "clone",
    "futex_operation": "futex",
    "advice": "advice",
}
# Addresses that calls map, and others that are only read and written.
_MAPPING_CALLS = {
    *(
        "mmap",
        "munmap",
        "mprotect",
        "mremap",
        "madvise",
        "msync",
        "mincore",
        "brk",
        "shmat",
        "shmdt",
    ),
    *("mlock", "munlock", "mlock2"),
}


def write(target: Path) -> None:
    constants: list[int] = []
    spans = dict(_spans(constants))
    rows = [_row(number, name, spans) for number, name in _calls()]
    text = ['#include "fuzz.h"', "const word constants[] = {"]
    text += [f"{value:#x}ul," for value in constants]
    text += ["};", "const struct call calls[] = {", *rows, "};"]
    text.append("const unsigned call_count = sizeof calls / sizeof *calls;")
    target.write_text("\n".join(text) + "\n")


def _calls() -> Iterator[tuple[int, str]]:
    for line in (_HUSK / "syscalls.tbl").read_text().splitlines():
        if line and not line.startswith("#"):
            number, name, *_ = line.split()
            yield int(number), name


def names() -> dict[int, str]:
    return dict(_calls())


def _signatures() -> dict[str, list[str]]:
    lines = (_HUSK / "signatures.tbl").read_text().splitlines()
    words = [line.partition(" = ")[0].split() for line in lines if line and line[0] != "#"]
    return {word[0]: word[1:] for word in words}


def _spans(constants: list[int]) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """Where each group lies in `constants`, which this fills."""
    document = tomllib.loads(_CONSTANTS.read_text())
    for kind, groups in (("FLAGS", document["flags"]), ("CHOICE", document["values"])):
        for name, group in groups.items():
            yield name, (kind, len(constants), len(group))
            constants += [value & (2**64 - 1) for value in group.values()]


def _row(number: int, name: str, spans: dict[str, tuple[str, int, int]]) -> str:
    words = _signatures().get(name, ["word"] * 6)
    arguments = ", ".join(_argument(name, word, spans) for word in words[:6])
    return f"{{{number}, {len(words[:6])}, {{{arguments}}}}}, /* {name} */"


def _argument(call: str, word: str, spans: dict[str, tuple[str, int, int]]) -> str:
    plain = re.sub(r"^[<>]*|[*@].*$", "", word)
    if word[0] in "<>":
        return f"{{POINTER, {_STRUCTURES.get(plain, 'ANYTHING')}, 0, 0}}"
    if plain == "address" or plain == "new_address":
        return "{ADDRESS, 0, 0, 0}" if call in _MAPPING_CALLS else "{POINTER, ANYTHING, 0, 0}"
    group = _GROUPS.get(plain, plain)
    if group in spans:
        kind, first, count = spans[group]
        return f"{{{kind}, 0, {first}, {count}}}"
    return f"{{{_KINDS.get(plain, 'WORD')}, 0, 0, 0}}"
