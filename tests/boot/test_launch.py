"""Programs start with exactly what the converter baked in, one after the other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dock2uk.guest import GuestResult, boot, link_directory
from dock2uk.link import Program

SOURCE = Path(__file__).parent / "programs" / "launch.c"
ODD = 'say "hi" \\ \t $(x) %41 é'
FIRST = Program("/bin/launch", ("launch", ODD, "", "0"), ("K=V=W", "EMPTY="), "/tmp", 33, 44,
                (5, 6), 0o077)  # fmt: skip
SECOND = Program("/bin/launch", ("another name", "42"))

FIRST_SAYS = f"""\
arg launch
arg {ODD}
arg
arg 0
env K=V=W
env EMPTY=
cwd /tmp
ids 33 33 44 44
groups 5 6
umask 077
""".replace("arg\n", "arg \n")

SECOND_SAYS = """\
arg another name
arg 42
cwd /
ids 0 0 0 0
groups
umask 022
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    (root / "bin").mkdir()
    (root / "tmp").mkdir()
    program = root / "bin" / "launch"
    subprocess.run(["gcc", "-O2", "-Wall", "-static", "-o", program, SOURCE], check=True)
    output = tmp_path_factory.mktemp("image") / "unikernel.elf"
    return link_directory(root, (FIRST, SECOND), output).path


@pytest.fixture(scope="module")
def result(image: Path) -> GuestResult:
    return boot(image, timeout_s=20)


def programs_output(result: GuestResult) -> str:
    """The console without the kernel's own lines."""
    lines = result.console.replace("\r\n", "\n").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("husk: "))


def test_every_program_gets_its_own_start(result: GuestResult) -> None:
    assert programs_output(result) == FIRST_SAYS + SECOND_SAYS


def test_the_status_is_the_last_programs(result: GuestResult) -> None:
    assert result.exit_status == 42


def test_what_is_in_use_is_counted_after_each_program(result: GuestResult) -> None:
    counts = [event.value for event in result.events if event.name == "counts"]
    assert len(counts) == 2
    assert counts[0] == counts[1], "the second program left something behind"
