"""Variables that are given at boot reach the program, and nothing and nobody else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from dock2uk import bundle as bundles
from dock2uk.guest import boot, developer_runtime
from dock2uk.link import Program, link_programs
from dock2uk.match import offer
from dock2uk.verify import qemu
from tests.boot.served import DOCK2UK, MACHINES
from tests.boot.traced import build
from tests.nodes import directory, file
from tests.values import entrypoint, image

BAKED = ("A=baked", "KEPT=as it was", "AA=other")
SECRET = "not-for-a-list-of-processes"
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints its environment, twice in one image."""
    program = build("environment", tmp_path_factory.mktemp("program")).read_bytes()
    nodes = (directory("/"), file("/environment", program, 0o755))
    programs = (Program("/environment", ("environment",), BAKED),)
    made = tmp_path_factory.mktemp("bundle") / "unikernel.elf"
    artifact = link_programs(nodes, programs, offer(developer_runtime()), made)
    bundles.write(image(), entrypoint(), artifact, "qemu …", ())
    return made.parent


def shown(variables: Sequence[str]) -> str:
    """As the program prints them."""
    data = "\n".join(sorted(variables)).encode(errors="surrogateescape") + b"\n"
    special = re.compile(rb"[^ -~\n]|\\")
    return special.sub(lambda found: b"\\%03o" % found[0][0], data).decode()


def printed(
    bundle: Path, given: tuple[str, ...], machine: str = "microvm", memory: int = 64
) -> str:
    result = boot(
        bundle / "unikernel.elf", machine=machine, memory_mb=memory, environment=given,
        timeout_s=TIMEOUT_S,
    )  # fmt: skip
    assert result.exit_status == 0, result.console
    return "".join(sorted(result.console.replace("\r\n", "\n").splitlines(keepends=True)))


@pytest.mark.parametrize("machine", MACHINES)
def test_they_replace_and_add_and_the_others_stay(bundle: Path, machine: str) -> None:
    given = ("A=given", "NEW=a=b", "EMPTY=", "ODD=\udcff\udcfe é\\\t%41 ")
    expected = ("KEPT=as it was", "AA=other", *given)
    assert printed(bundle, given, machine) == shown(expected)


def test_without_any_the_baked_ones_are_all(bundle: Path) -> None:
    assert printed(bundle, ()) == shown(BAKED)


@pytest.mark.parametrize("machine", MACHINES)
def test_large_values_arrive_whole(bundle: Path, machine: str) -> None:
    given = tuple(f"LARGE{number}={str(number) * 100_000}" for number in range(4))
    assert printed(bundle, given, machine) == shown((*BAKED, *given))


def test_as_much_as_execve_takes_is_taken_with_little_memory(bundle: Path) -> None:
    given = tuple(f"V{number}=x" for number in range(100_000))
    assert printed(bundle, given, memory=64) == shown((*BAKED, *given))


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (b"070701 an initial ramdisk", "EINVAL"),
        (b"HUSKENV1A=not ended", "EINVAL"),
        (b"HUSKENV1A=b\0no equals sign\0", "EINVAL"),
        (b"HUSKENV1=no name\0", "EINVAL"),
        (b"HUSKENV1\0", "EINVAL"),
        (b"HUSKENV1A=" + b"x" * (128 << 10) + b"\0", "E2BIG"),
        (b"HUSKENV1" + b"A=\0" * 1_000_000, "E2BIG"),
        (os.urandom(4 << 20), "EINVAL"),
    ],
    ids=["a ramdisk", "no end", "no equals", "no name", "empty", "long", "many", "noise"],
)
def test_a_module_that_is_malformed_is_refused(
    bundle: Path, tmp_path: Path, module: bytes, why: str
) -> None:
    path = tmp_path / "module"
    path.write_bytes(module)
    guest = qemu.Guest(bundle / "unikernel.elf", "microvm", "tcg", 64)
    command = qemu.command(guest, ("-serial", "stdio"), events=None, module=path)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert f"the environment given at boot is refused: {why}\n" in done.stdout
    assert f"cannot run /environment: {why}\n" in done.stdout
    assert "A=" not in done.stdout.replace("\r", "")


def test_the_command_line_s_beat_the_file_s_and_the_image_s(bundle: Path, tmp_path: Path) -> None:
    variables = tmp_path / "variables"
    variables.write_text("# two\nA=file\nKEPT=file\nFROM_CALLER\n")
    options = ["--env-file", variables, "-e", "A=word", "-e", "OTHER", "-e", "NOT_THERE"]
    caller = {**os.environ, "FROM_CALLER": "1", "OTHER": "2"}
    command = [*DOCK2UK, "run", bundle, "--accel", "tcg", *options, "--strace"]
    done = subprocess.run(
        command, env=caller, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    lines = sorted(done.stdout.replace("\r\n", "\n").splitlines())
    assert lines == ["A=word", "AA=other", "FROM_CALLER=1", "KEPT=file", "OTHER=2"], done.stderr
    assert "exit_group(0)" in done.stderr


def test_values_are_in_no_list_of_processes_and_in_no_file(bundle: Path, tmp_path: Path) -> None:
    variables = tmp_path / "variables"
    variables.write_text(f"STAY=1\nPASSWORD={SECRET}\n")
    command = [*DOCK2UK, "run", bundle, "--accel", "tcg", "--env-file", variables]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    caller = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=caller, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        try:
            assert any(SECRET.encode() in line for line in running.stdout)
            (child,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            opened = {os.readlink(file) for file in Path(f"/proc/{child}/fd").iterdir()}
        finally:
            running.send_signal(signal.SIGTERM)
    assert b"unikernel.elf" in words
    assert SECRET.encode() not in words
    assert b"PASSWORD" not in words
    assert "/memfd:module (deleted)" in opened
    assert not [path for path in opened if Path(path).is_file() and path.startswith("/dev/shm")]
    assert list(temporary.iterdir()) == []
    assert running.returncode == 128 + signal.SIGTERM
