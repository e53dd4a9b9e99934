"""Linking, against a stub of the kernel's library."""

from __future__ import annotations

import re
import struct
import subprocess
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError, ToolError
from dock2uk.link import Program, cpio, kernel, link_programs
from dock2uk.link.application import application_source
from dock2uk.match import offer
from dock2uk.model import AppliedRecipe, Artifact, Confidence, ResourceLimit
from dock2uk.runtime import Runtime
from tests import values
from tests.kernel_symbols import data_between, functions, unpack
from tests.nodes import directory, file
from tests.stub_kernel import build_runtime

NODES = (directory("/"), file("/a", b"the archive's only file\n"))
NASTY = 'say "hi" \\ \t\n\x01é%d$(x)0'
PROGRAMS = (
    Program("/a", ("a", NASTY), ("K=V=W",), "/tmp", 33, 44, (5, 6), 0o77, 3),
    Program("/b", ("b",)),
)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return build_runtime(tmp_path / "runtime")


def link(runtime: Runtime, path: Path) -> Artifact:
    return link_programs(NODES, PROGRAMS, offer(runtime), path)


def symbol_address(elf: Path, name: str) -> int:
    listing = subprocess.run(["nm", elf], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^([0-9a-f]+) \w {name}$", listing, re.MULTILINE)
    assert found is not None, f"{name} is not in {elf}"
    return int(found[1], 16)


def test_the_same_input_gives_the_same_bytes(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = link(runtime, tmp_path / "first" / "unikernel.elf")
    elsewhere = tmp_path / "a quite different and longer directory"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setattr("tempfile.tempdir", None)
    time.sleep(1.1)
    second = link(runtime, Path("unikernel.elf"))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256


def test_the_boot_configuration_holds_exactly_the_records(runtime: Runtime, tmp_path: Path) -> None:
    image = link(runtime, tmp_path / "unikernel.elf").path.read_bytes()
    records = (
        "exe=/a", "arg=a", f"arg={NASTY}", "env=K=V=W", "cwd=/tmp", "uid=33", "gid=44",
        "groups=5,6", "umask=077", "stop_signal=3", "capabilities=0,1ffffffffff",
        "exe=/b", "arg=b", "cwd=/", "uid=0", "gid=0", "umask=022", "stop_signal=15",
        "capabilities=1ffffffffff,1ffffffffff",
    )  # fmt: skip
    assert b"".join(record.encode() + b"\0" for record in records) in image


def test_the_permission_to_write_and_execute_is_one_program_s(runtime: Runtime) -> None:
    programs = (
        Program.of(values.entrypoint(exe="/a", recipes=(AppliedRecipe("r", "r", "c", "why"),))),
        Program.of(values.entrypoint(exe="/b", recipes=(AppliedRecipe("r", "r", "c"),))),
    )
    first, second = application_source(offer(runtime), programs, hostname="web").split("exe=/b")
    assert "write_execute=1" in first
    assert "write_execute" not in second


@pytest.mark.parametrize(
    ("uid", "seen", "confidence", "record"),
    [
        # What `grep Cap /proc/self/status` says in a container of user 0, and of another.
        (0, (), Confidence.CERTAIN, "a80425fb,a80425fb"),
        (33, (), Confidence.CERTAIN, "0,a80425fb"),
        (0, ("CAP_CHOWN", "CAP_SETUID"), Confidence.RECORDED, "81,81"),
        (33, ("CAP_SYS_TIME",), Confidence.RECORDED, "2000000,aa0425fb"),
        (0, (), Confidence.RECORDED, "0,0"),
    ],
)
def test_capabilities_are_what_was_seen_or_a_container_s(
    runtime: Runtime, uid: int, seen: tuple[str, ...], confidence: Confidence, record: str
) -> None:
    start = values.entrypoint(uid=uid, capabilities=seen, confidence=confidence)
    source = application_source(offer(runtime), (Program.of(start),), hostname=None)
    assert f'.ascii "capabilities={record}\\000"' in source


def test_limits_are_by_number_and_without_end_the_largest(runtime: Runtime) -> None:
    limits = (ResourceLimit("RLIMIT_NOFILE", 1024, 4096), ResourceLimit("RLIMIT_CORE", 0, None))
    program = Program.of(values.entrypoint(limits=limits))
    source = application_source(offer(runtime), (program,), hostname=None)
    assert '.ascii "limit=7,1024,4096\\000"' in source
    assert '.ascii "limit=4,0,18446744073709551615\\000"' in source


def test_names_that_linux_has_not_are_refused(runtime: Runtime) -> None:
    for wrong in (
        Program("/a", ("a",), capabilities=("CAP_FLY",)),
        Program("/a", ("a",), limits=(ResourceLimit("RLIMIT_FUN", 1, 1),)),
    ):
        with pytest.raises(Dock2ukError, match="is called"):
            application_source(offer(runtime), (wrong,), hostname=None)


def test_bytes_that_are_not_utf_8_pass_unchanged(runtime: Runtime, tmp_path: Path) -> None:
    argument = b"\xff\xfe".decode(errors="surrogateescape")
    made = link_programs(
        NODES, (Program("/a", (argument,)),), offer(runtime), tmp_path / "unikernel.elf"
    )
    assert b"arg=\xff\xfe\0" in made.path.read_bytes()


def test_a_nul_in_an_argument_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(Dock2ukError, match="NUL"):
        link_programs(
            NODES, (Program("/a", ("x\0exe=/evil",)),), offer(runtime), tmp_path / "unikernel.elf"
        )


def table_of_calls(elf: Path, count: int) -> list[int]:
    """The addresses of handlers, as the kernel's entry extends the signs of the table's words."""
    constants = elf.with_name("rodata")
    command = ["objcopy", "--output-target=binary", "--only-section=.rodata", elf, constants]
    subprocess.run(command, check=True)
    start = symbol_address(elf, "husk_syscall_table") - symbol_address(elf, "husk_rodata_start")
    words = struct.unpack_from(f"<{count}i", constants.read_bytes(), start)
    return [word + (1 << 64) for word in words]


def test_calls_that_are_not_linked_lead_to_sys_not_implemented(
    runtime: Runtime, tmp_path: Path
) -> None:
    write = tuple(call for call in runtime.system_calls if call.name == "write")
    match = replace(offer(runtime), system_calls=write)
    kernel.build(kernel.Plan(match, PROGRAMS, partial(cpio.write, NODES)), tmp_path)
    image = tmp_path / kernel.UNSTRIPPED
    handlers = [symbol_address(image, name) for name in ("sys_not_implemented", "sys_write")]
    assert table_of_calls(image, len(handlers)) == handlers


def test_the_table_ends_with_the_last_call_that_is_linked(runtime: Runtime) -> None:
    source = application_source(offer(runtime), (), hostname="web")
    assert "husk_syscall_count:\n.quad 2\n" in source
    assert source.count("\n.long sys_") == 2


def test_calls_are_named_whether_or_not_they_are_linked(runtime: Runtime) -> None:
    source = application_source(offer(runtime), (), hostname="web")
    packed = data_between(source, "husk_syscall_names", "husk_syscall_names_end")
    assert list(unpack(packed)) == [b"read", b"write", b"", b"close"]
    assert '.ascii "hostname=web\\000"' in source


def test_drivers_are_named_as_the_library_names_them(runtime: Runtime) -> None:
    match = replace(offer(runtime), drivers=("virtio-net",))
    source = application_source(match, (), hostname=None)
    assert source.partition("husk_drivers:\n")[2].startswith(
        ".quad husk_driver_virtio_net\n.quad 0"
    )


def test_what_nothing_refers_to_is_not_in_the_image(runtime: Runtime, tmp_path: Path) -> None:
    made = link(runtime, tmp_path / "unikernel.elf")
    assert made.kernel_bytes < 65536  # the size of sys_unused alone
    assert made.size < made.kernel_bytes + made.archive_bytes + 65536


def test_kernel_bytes_are_the_segments_without_the_archive(
    runtime: Runtime, tmp_path: Path
) -> None:
    made = link(runtime, tmp_path / "unikernel.elf")
    headers = subprocess.run(
        ["readelf", "-lW", made.path], capture_output=True, text=True, check=True
    ).stdout
    sizes = [int(line.split()[4], 16) for line in headers.splitlines() if "  LOAD " in line]
    assert made.kernel_bytes == sum(sizes) - made.archive_bytes
    (code,) = [int(line.split()[4], 16) for line in headers.splitlines() if " R E " in line]
    assert made.code_bytes == code


def test_no_segment_is_both_writable_and_executable(runtime: Runtime, tmp_path: Path) -> None:
    made = link(runtime, tmp_path / "unikernel.elf")
    headers = subprocess.run(
        ["readelf", "-lW", made.path], capture_output=True, text=True, check=True
    ).stdout
    assert "RWE" not in headers
    assert "R E" in headers


def test_the_symbol_table_names_functions_by_address(runtime: Runtime, tmp_path: Path) -> None:
    kernel.build(kernel.Plan(offer(runtime), PROGRAMS, partial(cpio.write, NODES)), tmp_path)
    source = (tmp_path / "symbols.s").read_text()
    address = symbol_address(tmp_path / kernel.UNSTRIPPED, "sys_read") - kernel.BASE_ADDRESS
    assert dict(functions(source))[address] == "sys_read"


def test_a_failing_link_shows_the_command(runtime: Runtime, tmp_path: Path) -> None:
    incomplete = replace(offer(runtime), drivers=("missing",))
    with pytest.raises(ToolError, match=r"ld .*husk\.ld.*(?s:.)*husk_driver_missing"):
        link_programs(NODES, PROGRAMS, incomplete, tmp_path / "unikernel.elf")
    assert not (tmp_path / "unikernel.elf").exists()


def test_a_library_that_is_not_built_says_what_builds_it(runtime: Runtime, tmp_path: Path) -> None:
    unbuilt = replace(runtime, library=tmp_path / "libhusk.a")  # which offer() takes
    with pytest.raises(Dock2ukError, match="not built") as caught:
        link(unbuilt, tmp_path / "unikernel.elf")
    assert caught.value.hint == "make husk"
