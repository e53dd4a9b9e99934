"""The system call list, run through an interpreter of classic BPF written for this test."""

from __future__ import annotations

import errno
import re
import struct
import subprocess

import pytest

from dock2uk.entrypoint.record import seccomp

KILL, TRACE, ALLOW = 0x80000000, 0x7FF00000, 0x7FFF0000
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
X86_64, I386 = 0xC000003E, 0x40000003
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17


def verdict(program: bytes, number: int, argument: int = 0, architecture: int = X86_64) -> int:
    """What the filter returns for a call: bpf(4)-like semantics, linux/filter.h."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, argument, 0, 0, 0, 0, 0)
    accumulator, place = 0, 0
    code = list(struct.iter_unpack("<HBBI", program))
    while True:
        opcode, when_true, when_false, constant = code[place]
        place += 1
        if opcode == 0x06:
            return int(constant)
        if opcode == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, constant)
            continue
        holds = {
            0x15: accumulator == constant,
            0x25: accumulator > constant,
            0x35: accumulator >= constant,
            0x45: bool(accumulator & constant),
        }[opcode]
        place += when_true if holds else when_false


@pytest.fixture(params=[seccomp.docker_filter, seccomp.shifted_clock_filter])
def program(request: pytest.FixtureRequest) -> bytes:
    made: bytes = request.param()
    return made


def test_every_number_is_let_through_refused_or_reported_as_the_list_says(program: bytes) -> None:
    allowed = set(seccomp.numbers("allowed").values())
    reported = set(seccomp.numbers("reported").values())
    special = {*seccomp.numbers("argument").values(), *seccomp.numbers("clock").values()}
    for number in set(range(600)) - special:
        wanted = TRACE if number in reported else ALLOW if number in allowed else EPERM
        assert verdict(program, number) == wanted, number


def test_calls_that_their_argument_decides(program: bytes) -> None:
    number = seccomp.numbers("argument")
    assert verdict(program, number["clone"], SIGCHLD) == ALLOW
    assert verdict(program, number["clone"], SIGCHLD | CLONE_NEWUSER) == EPERM
    assert verdict(program, number["clone3"]) == ENOSYS
    assert [verdict(program, number["socket"], family) for family in (1, 2, 10, 40)] == [
        ALLOW, ALLOW, ALLOW, EPERM,
    ]  # fmt: skip
    assert verdict(program, number["personality"], 0xFFFFFFFF) == ALLOW
    assert verdict(program, number["personality"], 0x0040000) == EPERM


def test_only_a_run_in_another_time_is_asked_for_it() -> None:
    clock = seccomp.numbers("clock")
    for name, number in clock.items():
        assert verdict(seccomp.docker_filter(), number) == ALLOW, name
        assert verdict(seccomp.shifted_clock_filter(), number) == TRACE, name
    monotonic = 1
    assert verdict(seccomp.shifted_clock_filter(), clock["clock_gettime"], monotonic) == ALLOW


def test_another_architecture_is_no_way_around(program: bytes) -> None:
    assert verdict(program, 1, architecture=I386) == KILL
    x32_write = 0x40000000 | 1
    assert verdict(program, x32_write) == EPERM


def test_numbers_are_those_of_this_machine_s_headers() -> None:
    source = "#include <asm/unistd.h>\n"
    macros = subprocess.run(
        ["gcc", "-E", "-dM", "-"], input=source, capture_output=True, text=True, check=True
    ).stdout
    theirs = {name: int(number) for name, number in re.findall(r"__NR_(\w+) (\d+)\n", macros)}
    for group in ("allowed", "reported", "clock", "argument"):
        for name, number in seccomp.numbers(group).items():
            assert theirs.get(name, number) == number, name
    assert len(set(seccomp.numbers("allowed")) & set(theirs)) > 250
