"""System calls of a running guest are written as strace(1) writes those of the same program."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dock2uk.strace import Stamp, Style
from tests.boot import traced
from tests.boot.served import ask_for_the_end, get, run


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.mark.parametrize("name", ["strace_files", "strace_sockets", "strace_signals"])
def test_lines_are_strace_s(programs: Path, name: str) -> None:
    program = traced.build(name, programs)
    linux, husk = traced.on_linux(program), traced.in_husk(program)
    assert traced.compared(husk) == traced.compared(linux)


def test_calls_of_two_threads_interleave_as_strace_s(programs: Path) -> None:
    """Whether the new thread reads before clone3(2) returns is the scheduler's business."""
    program = traced.build("strace_threads", programs)
    calls = "read,write,clone3,pipe2,access"
    linux, husk = traced.on_linux(program, "-e", calls), traced.in_husk(program, calls=calls)
    linux_lines, husk_lines = (
        traced.rejoined(traced.compared(trace), "clone3") for trace in (linux, husk)
    )
    assert sorted(husk_lines) == sorted(linux_lines)
    assert any("<... read resumed>" in line for line in husk_lines)


def test_a_call_in_halves_is_one_line_again() -> None:
    lines = ["A clone3({tls=0} <unfinished ...>", "B read(3, <unfinished ...>"]
    lines.append("A <... clone3 resumed> => {parent_tid=[B]}, 88) = B")
    whole = traced.rejoined(lines, "clone3")
    assert whole == ["A clone3({tls=0} => {parent_tid=[B]}, 88) = B", lines[1]]


def test_only_what_the_filter_names_is_traced(programs: Path) -> None:
    program = traced.build("strace_sockets", programs)
    trace = traced.in_husk(program, calls="%network")
    names = set(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))
    assert {"socket", "accept4", "recvmsg"} <= names
    assert not names & {"access", "brk", "mmap", "exit_group"}


def test_times_go_on(programs: Path) -> None:
    program = traced.build("strace_threads", programs)
    trace = traced.in_husk(program, style=Style(Stamp.clock, is_spent_shown=True, is_file=True))
    clocks = re.findall(r"^\d+ +(\d\d:\d\d:\d\d\.\d{6}) ", trace, re.MULTILINE)
    assert len(clocks) == len(trace.splitlines())
    (slept,) = re.findall(r"nanosleep.*<(0\.\d+)>", trace)
    assert float(slept) >= 0.1


def test_without_being_asked_the_kernel_records_nothing(programs: Path) -> None:
    """The records come over the channel that other events use."""
    events = traced.events(traced.build("strace_signals", programs), ())
    assert events
    assert not [event for event in events if event.name in ("call", "return", "signal", "gone")]


def test_processes_are_told_apart_and_their_ends_told(programs: Path) -> None:
    """Which process goes on first after fork(2) is left open, so only calls later are compared."""
    program = traced.build("strace_processes", programs)
    calls = "access,wait4,chdir,kill,exit_group,rt_sigreturn"
    linux, husk = traced.on_linux(program, "-e", calls), traced.in_husk(program, calls=calls)
    assert traced.compared(husk) == traced.compared(linux)


def test_interrupted_the_file_says_so_and_nothing_is_left(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    """The first signal is the program's, which is not given the time to end by itself."""
    nginx, output = bundle("nginx"), tmp_path / "trace"
    command = [sys.executable, "-m", "dock2uk", "run", nginx, "--accel", "tcg"]
    process = subprocess.Popen(
        [*command, "--strace-output", output], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline_s = time.monotonic() + 30
        while "epoll_wait" not in (output.read_text() if output.exists() else ""):
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.communicate()
    last = output.read_text().splitlines()[-1]
    assert last == "+++ the machine was stopped by SIGTERM +++"
    assert not _machines(nginx)


def test_the_status_is_the_program_s_and_the_trace_is_of_what_was_asked(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    output = tmp_path / "trace"
    filtered = ("--strace-filter", "accept4,exit_group", "--strace-output", str(output))
    with run(bundle("static-c"), *filtered) as served:
        get(served)
        ask_for_the_end(served.port, "/exit/3")
        assert served.end_status() == 3
    lines = output.read_text().splitlines()
    assert {re.split(r"[ (]+", line)[1] for line in lines} == {"accept4", "exit_group", "+++"}
    assert lines[-1].endswith("+++ exited with 3 +++")


def test_the_trace_is_on_standard_error(bundle: Callable[[str], Path]) -> None:
    """Standard output is the program's."""
    command = [sys.executable, "-m", "dock2uk", "run", bundle("static-c"), "--accel", "tcg"]
    process = subprocess.Popen(
        [*command, "--strace"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        first = next(line for line in process.stderr if line.startswith("listen("))
    finally:
        process.terminate()
        output, rest = process.communicate(timeout=10)
    assert first.rstrip().endswith("= 0")
    assert "listen(" not in output
    assert rest.splitlines()[-1] == "+++ killed by SIGTERM +++"


def test_a_filter_that_is_wrong_boots_nothing(bundle: Callable[[str], Path]) -> None:
    done = _run(bundle("static-c"), "--strace-filter", "opne")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no system call 'opne'" in done.stderr
    assert "open" in done.stderr.splitlines()[-1]


def _run(bundle: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dock2uk", "run", bundle, "--accel", "tcg", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _machines(bundle: Path) -> str:
    found = subprocess.run(
        ["pgrep", "-f", f"qemu-system.*{bundle}/"], capture_output=True, text=True, check=False
    )
    return found.stdout
