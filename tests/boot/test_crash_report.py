"""What the console says when a program dies: enough to find the fault without a debugger."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from dock2uk.guest import GuestResult, boot, developer_runtime, link_directory
from dock2uk.link import Program, kernel
from dock2uk.match import offer

SOURCE = Path(__file__).parent / "programs" / "crash.c"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("root")
    build = ["gcc", "-O1", "-fno-omit-frame-pointer", "-static", "-o", directory / "crash", SOURCE]
    subprocess.run(build, check=True)
    return directory


def die(root: Path, how: str) -> GuestResult:
    image = root.parent / f"{how}.elf"
    link_directory(root, (Program("/crash", ("crash", how)),), image)
    return boot(image, timeout_s=20)


def test_a_null_pointer_is_told_with_registers_callers_and_mappings(root: Path) -> None:
    result = die(root, "null")
    assert result.exit_status == 128 + 11
    killed = "killed by SIGSEGV (nothing is mapped there, address 0xc, at 0x"
    assert killed in result.console
    assert "nothing is mapped at 0xc (a null pointer?)" in result.console
    assert re.search(r"above  [0-9a-f]+-[0-9a-f]+ r--p 00000000 /crash", result.console)
    assert re.search(r"rdi 000000000000000c", result.console)
    callers = re.findall(r"husk:  ([ ?]) 0x[0-9a-f]+ crash\+0x[0-9a-f]+ \((\w+)\+", result.console)
    sure = [name for mark, name in callers if mark == " "]
    assert sure[:3] == ["touch", "outer_function", "main"]
    assert ("?", "inner_function") in callers, "called by a function that made no frame"


@pytest.mark.parametrize("how", ["null", "blocked", "abort"])
def test_a_dead_program_leaves_nothing(root: Path, how: str) -> None:
    image = root.parent / f"{how}-twice.elf"
    link_directory(root, (Program("/crash", ("crash", how)),) * 2, image)
    result = boot(image, timeout_s=20)
    assert result.exit_status > 128
    first, second = (event.value for event in result.events if event.name == "counts")
    assert first == second


def test_abort_is_the_programs_own_doing(root: Path) -> None:
    result = die(root, "abort")
    assert result.exit_status == 128 + 6
    assert "killed by SIGABRT (by the program itself, at 0x" in result.console
    assert "(inner_function+0x" in result.console


def test_a_stack_that_runs_over_is_seen_below_its_mapping(root: Path) -> None:
    result = die(root, "stack")
    assert result.exit_status == 128 + 11
    assert re.search(r"above  [0-9a-f]+-[0-9a-f]+ rw-p \[stack\]", result.console)


def test_the_kernel_is_not_the_programs_to_write(root: Path) -> None:
    result = die(root, "kernel")
    assert result.exit_status == 128 + 11
    assert "is not the program's (the kernel's code)" in result.console


def test_a_jump_to_memory_by_another_name_is_told_with_its_caller(root: Path) -> None:
    result = die(root, "jump")
    assert result.exit_status == 128 + 11
    assert "is not the program's (the direct map of memory)" in result.console
    assert "(inner_function+0x" in result.console


def test_a_dead_kernel_names_its_function(root: Path, tmp_path: Path) -> None:
    """husk_switch writes where its first argument points to, before it does anything else."""
    nothing = kernel.Plan(offer(developer_runtime()), (), lambda file: file.write(bytes(4096)))
    kernel.build(nothing, tmp_path)
    command = ["nm", tmp_path / kernel.UNSTRIPPED]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    address = next(line.split()[0] for line in listing.splitlines() if " husk_switch" in line)
    result = die(root, f"0x{address}")
    assert result.exit_status == 125
    assert "kernel: page fault, error code 0x2" in result.console
    assert re.search(r"called from:\nhusk:    0x[0-9a-f]+ husk_switch\+0x[0-9a-f]+", result.console)
