"""The wheel in an empty environment, on a machine without Rust: converts an image and runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests import fetch_when_ready, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
LAYOUT = REPOSITORY / "build" / "fixtures" / "static-c"
# Everything the wheel may use of the machine: no cargo, no rustc, no compiler.
PROGRAMS = ("as", "ld", "nm", "size", "strip", "setpriv", "qemu-system-x86_64")


def build(directory: Path) -> Path:
    command = [REPOSITORY / "scripts" / "wheel", directory]
    subprocess.run(command, check=True, env=os.environ | {"PYTHON": sys.executable})
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def dock2uk(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The installed command, with a PATH that holds PROGRAMS only."""
    directory = tmp_path_factory.mktemp("machine")
    environment = directory / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin" / "pip", "install", "--quiet", wheel], check=True)
    programs = directory / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        found = shutil.which(name)
        assert found is not None, f"{name} is not installed"
        (programs / name).symlink_to(found)
    return ["env", "--ignore-environment", f"PATH={programs}", f"HOME={directory}",
            f"{environment}/bin/dock2uk"]  # fmt: skip


@pytest.fixture(scope="module")
def bundle(dock2uk: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    subprocess.run([REPOSITORY / "fixtures" / "static-c" / "build"], check=True)
    directory = tmp_path_factory.mktemp("bundle")
    convert = [*dock2uk, "convert", f"oci:{LAYOUT}", "-o", str(directory), "--json"]
    done = subprocess.run(convert, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    return directory


def test_the_same_sources_give_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_wheel_needs_no_rust_and_is_ready(dock2uk: list[str]) -> None:
    doctor = [*dock2uk, "doctor", "--json"]
    done = subprocess.run(doctor, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert "site-packages/dock2uk/runtimes/husk/lib" in findings["runtime husk"]["value"]
    assert "Rust" not in findings  # there is nothing to build


def test_what_the_wheel_converted_runs_and_serves(dock2uk: list[str], bundle: Path) -> None:
    port = free_port()
    command = [*dock2uk, "run", str(bundle), "-p", f"{port}:80", "--accel", "tcg"]
    with subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE) as running:
        try:
            assert fetch_when_ready(port, timeout_s=30)
        finally:
            running.terminate()
        assert running.wait(10) == 143


def test_the_wheel_attacked_what_it_converted(bundle: Path) -> None:
    report = json.loads((bundle / "report.json").read_text())
    results = {row["id"]: row["result"] for row in report["scenarios"]}
    assert results["shell"] == "blocked by absence"
    assert "not run" not in results.values()
