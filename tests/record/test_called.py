"""Which system calls a run's programs make, beside what strace(1) says of the same programs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from machine import ONE, OTHER, actor, launch, machine, program, run

from dock2uk.entrypoint.record import Bounds, record
from dock2uk.entrypoint.record.recording import Ending
from dock2uk.match import load_runtimes

ASKED, SHELL, SERVER = "/usr/bin/asked", "/usr/bin/dash", "/usr/bin/server"
NAMES = {one.number: one.name for one in load_runtimes()[0].system_calls}


def names(numbers: frozenset[int]) -> set[str]:
    return {NAMES[number] for number in numbers}


def traced(directory: Path, *words: str) -> set[str]:
    """What the actor calls, by strace on this machine."""
    out, asked = directory / "trace", directory / "asked"
    asked.write_bytes(actor())
    asked.chmod(0o755)
    command = ["strace", "-o", out, asked, *words]
    subprocess.run(command, check=True, capture_output=True, env={"HOME": "/root"}, cwd="/")
    return set(re.findall(r"^(\w+)\(", out.read_text(), re.MULTILINE))


def test_they_are_those_that_strace_sees(tmp_path: Path) -> None:
    seen = run("asked who; exec server listen 80", {ASKED: program()}).called
    assert names(seen[ASKED]) == traced(tmp_path, "who") - {"execve"}  # the shell's
    assert "execve" in names(seen[SHELL])
    assert {"bind", "listen"} <= names(seen[SERVER])
    assert "listen" not in names(seen[SHELL])


def test_threads_and_children_are_of_their_program() -> None:
    seen = run("(umask 077) & wait; exec server thread 80").called
    assert "umask" in names(seen[SHELL])
    assert "getpriority" in names(seen[SERVER])


def test_none_is_followed_for_long_and_process_1_is_anew() -> None:
    loop = "i=0; while [ $i -lt 4000 ]; do cd /; i=$((i+1)); done; umask 077"
    seen = run(f"{loop}; exec server listen 80").called
    assert "chdir" in names(seen[SHELL])
    assert "umask" not in names(seen[SHELL])
    assert "listen" in names(seen[SERVER])


def test_one_that_is_followed_goes_on_as_fast_as_it_is_looked_at() -> None:
    seen = run("server briefly 81 50; exec server asks 80", time_s=6)
    assert seen.ending is Ending.LISTENS
    assert {"getppid", "listen"} <= names(seen.called[SERVER])


def test_the_calls_of_one_run_are_enough() -> None:
    here, there = record(
        machine("exec server listen 80"), launch(), [ONE, OTHER], Bounds(time_s=20)
    )
    assert here.called
    assert there.called == {}
