"""Each program in programs/ breaks one rule: it must die by the signal it names, on Linux as in
husk, and husk must say where. Those in policy/ tell what husk decides otherwise, or at random.

What is not promised is not here: the kernel's own data can be written, for program and kernel share
their privilege (docs/decisions/ring-0.md).
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

from dock2uk.guest import GuestResult, boot, link_directory
from dock2uk.link import Program
from tests.abi import suite

HERE = Path(__file__).parent
BUILD = suite.ROOT / "build/hostile"
NAMES = sorted(source.stem for source in (HERE / "programs").glob("*.c"))
PLACEHOLDER = "ffffffff80200000"
_TIMEOUT_S = 60
# What the kernel's heap may keep; a program left behind is hundreds of frames.
_FRAME_SLACK = 8


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> GuestResult:
    """All of them in one boot: a program's death is not the machine's."""
    directory = tmp_path_factory.mktemp("hostile")
    executables = compiled("programs", NAMES)
    image = link(directory, executables, PLACEHOLDER)
    return boot(link(directory, executables, address_of_constants(image)), timeout_s=_TIMEOUT_S)


def compiled(folder: str, names: Sequence[str]) -> list[Path]:
    for name in names:
        suite.compile_program(HERE / folder / f"{name}.c", BUILD / name)
    return [BUILD / name for name in names]


def link(directory: Path, executables: Sequence[Path], argument: str) -> Path:
    """An image in `directory`; every program is given `argument`."""
    root = directory / "root"
    if not root.exists():
        suite.fill_root(root, executables)
    programs = [
        Program(exe=f"/{one.name}", argv=(f"/{one.name}", argument), cwd="/") for one in executables
    ]
    return link_directory(root, programs, directory / "unikernel.elf").path


def address_of_constants(image: Path) -> str:
    """Of the kernel, in hexadecimal; always 16 digits, so that using it as an argument moves
    nothing."""
    with image.open("rb") as file:
        headers = [segment.header for segment in ELFFile(file).iter_segments("PT_LOAD")]
    return f"{min(h.p_vaddr for h in headers if h.p_flags == P_FLAGS.PF_R):016x}"


def wanted_signal(name: str) -> signal.Signals:
    source = (HERE / "programs" / f"{name}.c").read_text()
    found = re.search(r"dies: (\w+)", source)
    assert found, f"{name} does not say what it dies of"
    return signal.Signals[found.group(1)]


@pytest.mark.parametrize("name", NAMES)
def test_linux_kills_it(name: str) -> None:
    (executable,) = compiled("programs", [name])
    done = subprocess.run([executable], capture_output=True, timeout=20, check=False)
    assert done.returncode == -wanted_signal(name)


@pytest.mark.parametrize("name", NAMES)
def test_husk_kills_it(name: str, result: GuestResult) -> None:
    status = suite.exit_statuses(result).get(NAMES.index(name) + 1)
    assert status == 128 + wanted_signal(name), result.console


@pytest.mark.parametrize("name", NAMES)
def test_the_report_says_where(name: str, result: GuestResult) -> None:
    report = suite.sections(result)[NAMES.index(name) + 1]
    assert f"husk: killed by {wanted_signal(name).name}" in report
    assert re.search(r"husk: +rip ?[=:]? ?(0x)?[0-9a-f]+", report, re.IGNORECASE), report
    assert f"({name}+0x" in report, report


def test_death_gives_everything_back(result: GuestResult) -> None:
    counts = suite.counts(result)
    assert set(counts) == set(range(1, len(NAMES) + 1))
    for number, name in enumerate(NAMES, start=1):
        held = {what: counts[number][what] for what in ("fds", "threads", "sockets")}
        assert not any(held.values()), f"{name} left {held}"
    assert counts[len(NAMES)]["frames"] <= counts[1]["frames"] + _FRAME_SLACK


def test_nothing_is_writable_and_executable_at_once(tmp_path: Path) -> None:
    executables = compiled("policy", ["write_and_execute"])
    assert said(link(tmp_path, executables, "")) == (
        "mmap: EACCES\nmprotect: EACCES\nexecute instead: granted\nit runs: 42\n"
    )


def test_a_program_with_the_permission_may_write_and_execute_at_once(tmp_path: Path) -> None:
    (executable,) = compiled("policy", ["write_and_execute"])
    root = tmp_path / "root"
    suite.fill_root(root, [executable])
    name = f"/{executable.name}"
    with_it = Program(exe=name, argv=(name,), may_write_and_execute=True)
    image = link_directory(root, [with_it], tmp_path / "unikernel.elf").path
    assert said(image) == (
        "mmap: granted\nmprotect: granted\nexecute instead: granted\nit runs: 42\n"
    )


def test_addresses_differ_from_boot_to_boot(tmp_path: Path) -> None:
    image = link(tmp_path, compiled("policy", ["addresses"]), "")
    first, second = (said(image).split() for _ in range(2))
    assert len(first) == len(second) == 12
    for what, before, after in zip(first[::2], first[1::2], second[1::2], strict=True):
        assert before != after, f"{what} is {before} twice"


def said(image: Path) -> str:
    """By the one program of `image`, without what the kernel says."""
    return suite.without_kernel_lines(boot(image).console.replace("\r\n", "\n"))
