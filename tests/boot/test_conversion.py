"""A conversion is repeatable, and says what it did in one JSON document."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.boot.served import DOCK2UK, FIXTURES, convert

Bundles = Callable[[str], Path]


@pytest.mark.parametrize("name", FIXTURES)
def test_the_same_image_gives_the_same_bytes(bundle: Bundles, name: str, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere"
    convert(name, again)
    for file in ("unikernel.elf", "bundle.json"):
        assert (again / file).read_bytes() == (bundle(name) / file).read_bytes(), file


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    done = convert("static-c", tmp_path / "bundle")
    assert isinstance(json.loads(done.stdout), dict)


def test_converting_verifies_by_booting(tmp_path: Path) -> None:
    """Without --no-verify: exit status 0 says that the guest answered."""
    source = f"oci:{Path(__file__).parents[2] / 'build' / 'fixtures' / 'static-c'}"
    command = [*DOCK2UK, "convert", source, "-o", str(tmp_path / "bundle"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
