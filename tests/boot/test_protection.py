"""What the page tables of a running guest allow, seen from outside the guest."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from dock2uk.guest import link_directory
from dock2uk.link import Program
from dock2uk.verify import qemu, session
from tests.boot.page_tables import Page, pages

SOURCE = Path(__file__).parent / "programs" / "pause.c"
MEMORY_MB = 32
PATIENCE_S = 20
USER_END = 0x0000_8000_0000_0000
DIRECT_MAP = 0xFFFF_8000_0000_0000
STACKS = 0xFFFF_C000_0000_0000
KERNEL = 0xFFFF_FFFF_8000_0000
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["gcc", "-O2", "-static", "-o", root / "pause", SOURCE], check=True)
    output = tmp_path_factory.mktemp("image") / "unikernel.elf"
    return link_directory(root, (Program("/pause", ("pause",)),), output).path


@pytest.fixture(scope="module", params=qemu.MACHINES)
def mapped(
    image: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Page]:
    """Everything that is mapped while the program runs."""
    directory = tmp_path_factory.mktemp("machine")
    console, monitor = directory / "console", directory / "monitor"
    guest = qemu.Guest(image, request.param, "tcg", MEMORY_MB)
    extra = ("-serial", f"file:{console}", "-monitor", f"unix:{monitor},server,nowait")
    with session.start(guest, extra, errors=None):
        wait_for(console, "running")
        return pages(monitor, MEMORY_MB * MEBIBYTE, directory / "memory")


def wait_for(console: Path, text: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (console.exists() and text in console.read_text(errors="replace")):
        assert time.monotonic() < deadline_s, "the guest did not start"
        time.sleep(0.05)


def within(mapped: list[Page], start: int, end: int) -> list[Page]:
    return [page for page in mapped if start <= page.start < end]


def test_no_page_is_both_writable_and_executable(mapped: list[Page]) -> None:
    assert mapped
    assert [page for page in mapped if page.is_writable and page.is_executable] == []


def test_the_lowest_pages_are_not_mapped(mapped: list[Page]) -> None:
    assert within(mapped, 0, 65536) == []


def test_only_the_kernels_code_is_executable_in_its_half(mapped: list[Page]) -> None:
    executable = [page for page in within(mapped, USER_END, 1 << 64) if page.is_executable]
    assert executable
    assert executable == within(mapped, KERNEL, executable[-1].start + 1)


def test_the_image_is_read_only_in_the_direct_map_too(mapped: list[Page]) -> None:
    constant = [page for page in within(mapped, KERNEL, 1 << 64) if not page.is_writable]
    start = constant[0].start - KERNEL + DIRECT_MAP
    end = constant[-1].start + constant[-1].size_bytes - KERNEL + DIRECT_MAP
    shadows = [
        page
        for page in within(mapped, DIRECT_MAP, STACKS)
        if page.start < end and page.start + page.size_bytes > start
    ]
    assert shadows
    assert not any(page.is_writable for page in shadows)


def test_a_kernel_stack_lies_above_an_unmapped_page(mapped: list[Page]) -> None:
    stack = within(mapped, STACKS, STACKS + 5 * 4096)
    assert [page.start - STACKS for page in stack] == [4096, 8192, 12288, 16384]
