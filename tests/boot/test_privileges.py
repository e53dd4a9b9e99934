"""A program begins with the limits and the capabilities that its start-up left it, and they mean
what they mean on Linux, which is asked with setpriv(1) and prlimit(1)."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from dock2uk.capabilities import OF_CONTAINERS
from dock2uk.guest import boot, developer_runtime
from dock2uk.link import Program, link_programs
from dock2uk.match import offer
from dock2uk.model import ResourceLimit
from tests.boot.traced import build
from tests.nodes import directory, file

THEIRS = 12345
LIMITS = (
    ResourceLimit("RLIMIT_NOFILE", 20, 40),
    ResourceLimit("RLIMIT_CORE", 0, None),
    ResourceLimit("RLIMIT_STACK", 1 << 20, 2 << 20),
    ResourceLimit("RLIMIT_MEMLOCK", 0, 0),
)
FEW = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
LOOKING = ("CAP_DAC_READ_SEARCH", "CAP_SYS_NICE", "CAP_IPC_LOCK", "CAP_FOWNER")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("privileges", tmp_path_factory.mktemp("program"))


def in_husk(program: Path, uid: int, held: tuple[str, ...]) -> str:
    nodes = (
        directory("/"),
        file("/privileges", program.read_bytes(), 0o755),
        replace(directory("/work"), mode=0o777),
        replace(file("/work/theirs", b"", 0o600), uid=THEIRS),
    )
    start = Program(
        "/privileges", ("privileges",), cwd="/work", uid=uid, gid=uid,
        capabilities=held, limits=LIMITS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        image = Path(place, "unikernel.elf")
        link_programs(nodes, (start,), offer(developer_runtime()), image)
        result = boot(image)
    assert result.exit_status == 0, result.console
    return result.console.replace("\r\n", "\n")


def on_linux(program: Path, uid: int, bounding: tuple[str, ...]) -> str:
    sets = ",".join(["-all", *("+" + name.removeprefix("CAP_").lower() for name in bounding)])
    limits = ("--nofile=20:40", "--core=0:unlimited", f"--stack={1 << 20}:{2 << 20}", "--memlock=0")
    who = ("--reuid", str(uid), "--regid", str(uid), "--clear-groups")
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        work = Path(place, "work")
        work.mkdir()
        work.chmod(0o777)
        theirs = work / "theirs"
        theirs.touch(0o600)
        os.chown(theirs, THEIRS, 0)
        copy = shutil.copy(program, Path(place, "privileges"))
        command = ["setpriv", *who, "--inh-caps=-all", f"--bounding-set={sets}"]
        done = subprocess.run(
            ["prlimit", *limits, *command, copy], cwd=work, env={}, check=True,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    ("uid", "held"),
    [(0, OF_CONTAINERS), (0, FEW), (0, LOOKING), (0, ()), (33, ())],
    ids=["a container's", "few", "looking", "none", "another user's"],
)
def test_they_are_and_mean_what_they_do_on_linux(
    program: Path, uid: int, held: tuple[str, ...]
) -> None:
    linux = on_linux(program, uid, held if uid == 0 else OF_CONTAINERS)
    husk = in_husk(program, uid, held)
    lines = difflib.unified_diff(linux.splitlines(), husk.splitlines(), "linux", "husk", n=2)
    assert linux == husk, "\n".join(lines)
