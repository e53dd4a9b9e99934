"""Facts of files are the same whether one process finds them or two."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dock2uk import cache
from dock2uk.analyse.calls import known
from dock2uk.analyse.calls.facts import ElfFacts, read_facts
from dock2uk.analyse.elf_file import ReadElf, read_elf
from dock2uk.contents import HostFile
from dock2uk.errors import Dock2ukError


@dataclass(frozen=True, slots=True)
class Piece(HostFile):
    """A file that another process can read."""

    def piece(self) -> tuple[Path, int]:
        return self.path, 0


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(known, "_WORTHWHILE_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    return tmp_path / "cache"


@pytest.fixture
def elves(tmp_path: Path) -> list[ReadElf]:
    """Three programs, each with another call."""
    return [_program(tmp_path / f"program-{number}", number) for number in (39, 60, 102)]


def _program(path: Path, number: int) -> ReadElf:
    code = f".globl _start\n_start: mov ${number}, %eax\nsyscall\nud2\n"
    command = ["gcc", "-static", "-nostdlib", "-o", path, "-x", "assembler", "-"]
    subprocess.run(command, input=code, text=True, check=True)
    return read_elf(str(path), Piece(path))


def alone(elves: list[ReadElf]) -> dict[str, ElfFacts]:
    return {elf.digest: read_facts(elf.data, keeps_registers=True) for elf in elves}


def test_two_processes_find_what_one_does(
    elves: list[ReadElf], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here this process finds nothing itself, so that all is what the other one found."""

    def not_here(_elf: ReadElf) -> ElfFacts:
        raise AssertionError("found here")

    monkeypatch.setattr(known, "_find", not_here)
    with known._beside(waiting := list(elves)):
        while waiting or len([*cache.directory().glob("calls/sha256-*")]) < len(elves):
            time.sleep(0.01)
    assert known.facts_of(elves) == alone(elves)


@pytest.mark.parametrize("dead", ["true", "cat"])
def test_what_the_other_process_does_not_find_is_found_here(
    elves: list[ReadElf], monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    """One that ends at once, and one that says that it is done and is not."""
    script = Path(elves[0].file.path).parent / "python"
    script.write_text(f"#!/bin/sh\nexec {dead}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert known.facts_of(elves) == alone(elves)


def test_a_cache_that_cannot_be_written_is_none(elves: list[ReadElf], own_cache: Path) -> None:
    own_cache.write_text("no directory")
    assert known.facts_of(elves) == alone(elves)


def test_an_error_here_ends_the_other_process(elves: list[ReadElf]) -> None:
    before = children()

    def interrupted() -> None:
        with known._beside(list(elves)):
            assert children() - before
            raise Dock2ukError("interrupted")

    with pytest.raises(Dock2ukError):
        interrupted()
    assert children() == before


def children() -> set[str]:
    """Processes of this one (proc_pid_task_children, proc(5))."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
