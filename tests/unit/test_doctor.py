"""What the doctor finds on a machine made up of a PATH and a runtime."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dock2uk.match import load_runtimes
from dock2uk.runtime import Runtime
from dock2uk.verify import doctor
from dock2uk.verify.accelerator import Choice
from dock2uk.verify.doctor import Finding

PROGRAMS = {
    "as": "", "ld": "GNU ld 2.40", "nm": "", "size": "", "strip": "", "setpriv": "",
    "qemu-system-x86_64": "QEMU emulator version 7.2.22 (Debian 1:7.2)",
    "cargo": "cargo 1.95.0",
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with programs that answer `--version`, without KVM or a Docker daemon."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name, answer in PROGRAMS.items():
        install(directory, name, answer)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setattr(doctor.accelerator, "choose", lambda _: Choice("tcg", "no /dev/kvm"))
    return directory


def install(directory: Path, name: str, answer: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    library = tmp_path / "libhusk.a"
    library.touch()
    return replace(load_runtimes()[0], library=library)


def finding(runtime: Runtime, name: str) -> Finding:
    return next(found for found in doctor.examine((runtime,), None) if found.name == name)


def test_a_machine_with_everything_required_is_ready(path: Path, runtime: Runtime) -> None:
    findings = doctor.examine((runtime,), None)
    assert doctor.is_ready(findings)
    assert {f.name for f in findings if not f.is_ok} <= {"KVM", "Docker daemon", "memory"}


def test_what_stands_in_the_way_of_a_sandbox_is_told(path: Path, runtime: Runtime) -> None:
    findings = {found.name: found for found in doctor.examine((runtime,), "no newuidmap")}
    assert findings["sandbox"].value == "no newuidmap"
    assert not findings["sandbox"].is_ok
    assert doctor.is_ready(tuple(findings.values()))


@pytest.mark.parametrize(
    ("program", "name", "remedy"),
    [
        ("as", "binutils", "apt-get install binutils"),
        ("strip", "binutils", "apt-get install binutils"),
        ("qemu-system-x86_64", "QEMU", "apt-get install qemu-system-x86"),
        ("setpriv", "setpriv", "apt-get install util-linux"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    path: Path, runtime: Runtime, program: str, name: str, remedy: str
) -> None:
    (path / program).unlink()
    found = finding(runtime, name)
    assert not found.is_ok
    assert found.remedy == remedy
    assert not doctor.is_ready(doctor.examine((runtime,), None))


def test_a_qemu_that_is_too_old_is_not_enough(path: Path, runtime: Runtime) -> None:
    install(path, "qemu-system-x86_64", "QEMU emulator version 4.2.1 (Debian)")
    assert not finding(runtime, "QEMU").is_ok


def test_rust_is_wanted_only_to_build_the_library(path: Path, runtime: Runtime) -> None:
    (path / "cargo").unlink()
    assert doctor.is_ready(doctor.examine((runtime,), None))
    assert not finding(runtime, "Rust").is_required
    unbuilt = replace(runtime, library=Path(os.devnull, "libhusk.a"))
    assert finding(unbuilt, "Rust").is_required
    assert finding(unbuilt, "runtime husk").remedy == "make husk"


def test_no_daemon_is_said_and_does_not_stop_anything(path: Path, runtime: Runtime) -> None:
    found = finding(runtime, "Docker daemon")
    assert not found.is_ok
    assert not found.is_required
    assert "no.sock" in found.value


def test_kvm_that_loses_its_trial_is_said(path: Path, runtime: Runtime) -> None:
    assert finding(runtime, "KVM").value == "no /dev/kvm"
