"""Go's own tests of the packages that lean on the kernel say in husk what they say on Linux.

They are compiled from Debian's golang-go, without cgo, and run in their short form: the toolchain
that the others call is not in the guest. Differences are listed with their reasons.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dock2uk.guest import boot, link_directory
from dock2uk.link import Program
from tests.abi.suite import ROOT, fill_root

pytestmark = pytest.mark.soak

PACKAGES = ("context", "net", "os/signal", "runtime", "sync", "sync/atomic", "syscall")
DIFFERENCES = tomllib.loads((Path(__file__).parent / "go_differences.toml").read_text())
ARGUMENTS = ("-test.v", "-test.short")
TIMEOUT_S = 300
FILES = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "group": "root:x:0:\n",
    "services": "".join(f"service{port} {port}/tcp\n" for port in range(1, 1000)),  # a long file
}
_VERDICT = re.compile(r"^--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("package", PACKAGES)
def test_go_s_tests_say_what_they_say_on_linux(
    package: str, record: Callable[[str, object], None]
) -> None:
    program = compiled(package)
    linux, husk = on_linux(program), in_husk(program)
    passed = [test for test, verdict in linux.items() if verdict == "PASS"]
    assert len(passed) > 10
    expected = DIFFERENCES.get(package, {})
    lost = {test: husk.get(test) for test in passed if husk.get(test) != "PASS"}
    assert {test: f"{lost[test]}" for test in lost} == {
        test: reason.partition(":")[0] for test, reason in expected.items()
    }
    record(f"go.{package}.passed", len(passed) - len(lost))


def compiled(package: str) -> Path:
    target = ROOT / "build" / "go" / f"{package.replace('/', '_')}.test"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["go", "test", "-trimpath", "-c", "-o", target, package],
            env=os.environ | {"CGO_ENABLED": "0"}, check=True, timeout=TIMEOUT_S,
        )  # fmt: skip
    return target


def on_linux(program: Path) -> Mapping[str, str]:
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [program, *ARGUMENTS], cwd=directory, env=environment(directory, "/usr/bin"),
            capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    return verdicts(done.stdout)


def in_husk(program: Path) -> Mapping[str, str]:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        fill_root(root, [program, Path("/usr/bin/cat"), Path("/usr/bin/id")])
        (root / "etc").mkdir(exist_ok=True)
        for name, text in FILES.items():
            (root / "etc" / name).write_text(text)
        path = f"/{program.name}"
        variables = tuple(f"{key}={value}" for key, value in environment("/tmp", "/").items())
        started = Program(exe=path, argv=(path, *ARGUMENTS), env=variables, cwd="/work")
        image = Path(directory) / "go.elf"
        link_directory(root, [started], image)
        result = boot(image, machine="microvm", memory_mb=1024, timeout_s=TIMEOUT_S)
    return verdicts(result.console.replace("\r\n", "\n"))


def environment(directory: str, path: str) -> dict[str, str]:
    return {"PATH": path, "HOME": directory, "TMPDIR": directory}


def verdicts(output: str) -> dict[str, str]:
    return {test: verdict for verdict, test in _VERDICT.findall(output)}
