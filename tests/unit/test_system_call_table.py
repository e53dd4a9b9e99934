"""What runtimes/husk/tools/generate.py makes of the table of system calls, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HUSK = Path(__file__).resolve().parents[2] / "runtimes" / "husk"
LINUX = "0 read\n1 write\n57 fork\n"


@pytest.fixture
def husk(tmp_path: Path) -> Path:
    """A clone in small: the tool, and Linux's table with three calls."""
    directory = tmp_path / "runtimes" / "husk"
    (directory / "tools").mkdir(parents=True)
    tool = (HUSK / "tools" / "generate.py").read_text()
    (directory / "tools" / "generate.py").write_text(tool)
    (directory / "linux.tbl").write_text(f"# Linux\n{LINUX}")
    (directory / "signatures.tbl").write_text("# Arguments\nread fd >text*r size\nfork\n")
    return directory


def generate(husk: Path, table: str, *options: str) -> subprocess.CompletedProcess[str]:
    (husk / "syscalls.tbl").write_text(table)
    command = [sys.executable, husk / "tools" / "generate.py", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_call_of_linux_is_listed_with_its_level(husk: Path) -> None:
    table = "# a comment\n1 write partial to the console alone\n\n0 read full\n"
    done = generate(husk, table, "--print")
    assert [tuple(call.values()) for call in json.loads(done.stdout)["system_calls"]] == [
        (0, "read", "full", "", "fd >text*r size"),
        (1, "write", "partial", "to the console alone"),
        (57, "fork", "none", "", ""),
    ]


def test_the_page_counts_and_lists(husk: Path) -> None:
    assert generate(husk, "0 read full\n1 write partial a note\n").returncode == 0
    page = (husk.parents[1] / "docs" / "syscalls.md").read_text()
    assert "Of Linux's 3 system calls on x86-64 husk has 1 in full and 1 in part" in page
    assert "| 1 | `write` | partial | a note |" in page


def test_check_notices_what_is_stale(husk: Path) -> None:
    assert generate(husk, "0 read full\n").returncode == 0
    assert generate(husk, "0 read full\n", "--check").returncode == 0
    stale = generate(husk, "0 read full\n1 write full\n", "--check")
    assert stale.returncode == 1
    assert "capabilities.json is stale" in stale.stderr
    assert "syscalls.md is stale" in stale.stderr


@pytest.mark.parametrize(
    ("line", "problem"),
    [("reed fd", "Linux has no call reed"), ("read fd\nread fd", "read is there twice")],
)
def test_a_signature_that_cannot_be_meant_is_refused(husk: Path, line: str, problem: str) -> None:
    (husk / "signatures.tbl").write_text(f"{line}\n")
    done = generate(husk, "0 read full\n")
    assert done.returncode == 1
    assert problem in done.stderr


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 raed full", "Linux calls number 0 read, not raed"),
        ("999 read full", "Linux calls number 999 None, not read"),
        ("0 read", "want number, name, level"),
        ("0 read most", "level most is none of full, partial"),
        ("0 read partial", "its note must say in what"),
        ("0 read full\n0 read full", "syscalls.tbl:2: read is there twice"),
        ("zero read full", "syscalls.tbl:1: zero is not a number"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(husk: Path, line: str, problem: str) -> None:
    done = generate(husk, line)
    assert done.returncode == 1
    assert problem in done.stderr
    assert not (husk / "capabilities.json").exists()
