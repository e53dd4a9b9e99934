"""The kernel image that the built library gives: reproducible, small, and tight."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dock2uk.link import Program, link_programs
from dock2uk.link.kernel import Plan, build
from dock2uk.match import load_runtimes, offer
from dock2uk.model import Artifact, Node
from tests.kernel_symbols import functions
from tests.nodes import directory, file

# Without the root archive: linked for a program, and with every part the runtime has.
LARGEST_KERNEL_BYTES = {"nginx": 600_000, "http-memory": 350_000, "dns-udp": 300_000}
LARGEST_WHOLE_KERNEL_BYTES = 820_000
NODES: tuple[Node, ...] = (directory("/"), file("/app", b"not an ELF", 0o755))


def link(path: Path) -> Artifact:
    (husk,) = load_runtimes()
    return link_programs(NODES, (Program("/app", ("app",)),), offer(husk), path)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return link(tmp_path_factory.mktemp("image") / "unikernel.elf")


def test_the_same_input_gives_the_same_bytes(artifact: Artifact, tmp_path: Path) -> None:
    again = link(tmp_path / "another directory" / "unikernel.elf")
    assert again.path.read_bytes() == artifact.path.read_bytes()


@pytest.mark.parametrize("name", LARGEST_KERNEL_BYTES)
def test_the_kernel_is_as_small_as_promised(bundle: Callable[[str], Path], name: str) -> None:
    document = json.loads((bundle(name) / "report.json").read_text())
    size = next(row for row in document["metrics"] if row["id"] == "kernel_bytes")
    assert size["after"] <= LARGEST_KERNEL_BYTES[name]


def test_the_whole_kernel_does_not_grow_unnoticed(artifact: Artifact) -> None:
    assert artifact.kernel_bytes <= LARGEST_WHOLE_KERNEL_BYTES
    # All the library has, with what its compiler adds, less what nothing at all calls.
    assert 0.9 < artifact.code_bytes / artifact.library_code_bytes < 1.1


def test_functions_are_named_demangled_and_without_a_hash(tmp_path: Path) -> None:
    (husk,) = load_runtimes()
    build(Plan(offer(husk), (), lambda archive: archive.write(bytes(4096))), tmp_path)
    names = {name for _, name in functions((tmp_path / "symbols.s").read_text())}
    assert {"husk_start", "sys_mmap", "boot::machine"} <= names
    assert not any(re.search("::h[0-9a-f]{16}", name) for name in names)


def test_no_segment_can_be_both_written_and_executed(artifact: Artifact) -> None:
    listing = subprocess.run(
        ["readelf", "--segments", "--wide", artifact.path],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    loads = [line for line in listing.splitlines() if line.split()[:1] == ["LOAD"]]
    assert sum(" R E " in line for line in loads) == 1
    assert not any(" RWE " in line for line in loads)
