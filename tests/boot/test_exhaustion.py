"""A program that takes everything is refused or killed; the kernel and the next program live."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dock2uk.guest import boot, link_directory
from dock2uk.link import Program

SOURCE = Path(__file__).parent / "programs" / "exhaust.c"
MEMORY_MB = 32
KILLED = "husk: out of memory: the program is killed"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("root")
    subprocess.run(["gcc", "-O1", "-static", "-o", directory / "exhaust", SOURCE], check=True)
    return directory


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("memory", KILLED),
        ("memory that is read into", KILLED),
        ("mappings", "no more: ENOMEM"),
        ("threads", "no more: EAGAIN"),
        ("pipes", KILLED),
        ("file pages", "no more: ENOSPC"),
        ("shared memory", KILLED),
        ("segments", "no more: ENOMEM"),
        ("messages", "no more: ENOMEM"),
        ("semaphores", "no more: ENOMEM"),
        ("long headers", "no more: ENOMEM"),
        ("copies of mappings", "no more: ENOMEM"),
        ("long arguments", "no more: ENOMEM"),
        ("interests", "no more: ENOMEM"),
        ("emptied mappings", "no more: EINVAL"),
        ("polled files", "no more: ENOMEM"),
        ("deep directories", "no more: ENAMETOOLONG"),
        ("mappings of single pages", "no more: ENOMEM"),
        ("values of semaphores", "no more: ENOMEM"),
        ("groups", "no more: ENOMEM"),
        ("timers", "no more: ENOMEM"),
        ("texts of groups", "no more: ENOMEM"),
        ("signals", "no more: EAGAIN"),
    ],
)
def test_taking_everything_harms_only_the_taker(root: Path, kind: str, ending: str) -> None:
    image = root.parent / f"{kind}.elf"
    programs = (Program("/exhaust", ("exhaust", kind)), Program("/exhaust", ("exhaust",)))
    link_directory(root, programs, image)
    result = boot(image, memory_mb=MEMORY_MB, timeout_s=60)
    assert ending in result.console
    endings = [event.value for event in result.events if event.name == "program"]
    assert endings == [f"1 exit {137 if ending == KILLED else 0}", "2 exit 0"]
    counts = [event.value for event in result.events if event.name == "counts"]
    assert counts[0] == counts[1]
