"""What the table calls `full` is used by an ABI program, so that Linux has been asked about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "runtimes/husk/syscalls.tbl"
PROGRAMS = ROOT / "tests/abi/programs"

# What the C library calls them, where that is another name (syscalls(2), each function's page).
_IN_C = {
    "eventfd2": "eventfd",
    "exit_group": "exit",
    "fadvise64": "posix_fadvise",
    "mq_getsetattr": "mq_getattr",
    "mq_timedreceive": "mq_receive",
    "mq_timedsend": "mq_send",
    "newfstatat": "fstatat",
    "pread64": "pread",
    "prlimit64": "prlimit",
    "pselect6": "pselect",
    "pwrite64": "pwrite",
    "rt_sigaction": "sigaction",
    "rt_sigpending": "sigpending",
    "rt_sigprocmask": "sigprocmask",
    "rt_sigqueueinfo": "sigqueue",
    "rt_sigreturn": "sigaction",  # by returning from the handler
    "rt_sigsuspend": "sigsuspend",
    "rt_sigtimedwait": "sigtimedwait",
    "semtimedop": "semop",
    "signalfd4": "signalfd",
}
_COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def _full() -> tuple[str, ...]:
    rows = (line.split() for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return tuple(row[1] for row in rows if len(row) > 2 and row[2] == "full")


@pytest.fixture(scope="module")
def code() -> str:
    """Every program, without comments and strings, which name calls and do not make them."""
    sources = [*PROGRAMS.glob("*.c"), *PROGRAMS.glob("*.h"), *PROGRAMS.glob("*.cc")]
    return _COMMENT_OR_STRING.sub(" ", "\n".join(path.read_text() for path in sources))


@pytest.mark.parametrize("call", _full())
def test_a_program_makes_every_full_call(call: str, code: str) -> None:
    name = _IN_C.get(call, call)
    assert re.search(rf"\b{name}\s*\(|\bSYS_{call}\b|\b__NR_{call}\b", code)
