"""Formatters, linters, types and the kernel's own tests, each as a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.style.files import REPOSITORY, name, tracked

PYTHON = [sys.executable, "-m"]
BUILDS = [name(path) for path in tracked("fixtures/*/build")]  # Python without the ending
CARGO = REPOSITORY / "scripts" / "cargo"
CLIPPY = [CARGO, "clippy", "--quiet", "--release"]
DENY = ["--", "--deny", "warnings"]
SMALLEST = ["--package", "husk", "--no-default-features", "--target-dir", "target/without-ipv6-tcp"]

COMMANDS: dict[str, list[str | Path]] = {
    "ruff check": [*PYTHON, "ruff", "check", "--quiet", ".", *BUILDS],
    "ruff format": [*PYTHON, "ruff", "format", "--check", "--quiet", ".", *BUILDS],
    "mypy": [*PYTHON, "mypy", "--strict", "converter", "bench"],
    "cargo fmt": [CARGO, "fmt", "--all", "--check"],
    "cargo clippy": [*CLIPPY, *DENY],
    "cargo clippy of the smallest": [*CLIPPY, *SMALLEST, *DENY],
    "cargo test": [CARGO, "test", "--quiet"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_passes(command: list[str | Path]) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_are_shell_and_can_be_executed() -> None:
    for path in tracked("scripts/*", ".ci/run", ":!scripts/*.txt"):
        assert path.read_text().startswith("#!/bin/sh\n#"), path
        assert os.access(path, os.X_OK), path
        subprocess.run(["sh", "-n", path], check=True)
