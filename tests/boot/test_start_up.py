"""Images whose start-up scripts decide what they run, converted as anybody would: they boot and
answer, and the bundle says how the program was found."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.boot.served import DOCK2UK, REPOSITORY
from tests.entrypoint.expectation import NAMES, Expectation

SCHEMA = json.loads((REPOSITORY / "docs" / "entrypoint.schema.json").read_text())
# What they make at their first start is not the same twice, and they cannot do without it.
BAKED = ("start-postgres", "start-wordpress")
STARTED = [name for name in NAMES if Expectation.of(name).program is not None]


@pytest.mark.parametrize("name", STARTED)
def test_what_start_up_comes_to_boots_and_answers(name: str, tmp_path: Path) -> None:
    document = converted(name, tmp_path / "bundle")
    assert document["verification"]["is_passed"]
    entrypoint = json.loads((tmp_path / "bundle" / "entrypoint.json").read_text())
    jsonschema.validate(entrypoint, SCHEMA)
    assert entrypoint == document["entrypoint"]
    kept = {one["path"] for one in document["files"]["kept"]}
    made = {one["path"] for one in entrypoint["changes"] if not one["is_gone"]}
    assert made <= kept


def converted(name: str, bundle: Path) -> dict[str, Any]:
    source = f"oci:{REPOSITORY / 'build' / 'fixtures' / name}"
    baked = ["--bake"] if name in BAKED else []
    command = [*DOCK2UK, "convert", source, "-o", str(bundle), "--json", *baked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_without_baking_a_secret_is_in_no_file_of_the_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    source = f"oci:{REPOSITORY / 'build' / 'fixtures' / 'start-redis'}"
    command = [*DOCK2UK, "convert", source, "-o", str(bundle), "--no-verify"]
    command += ["-e", "REDIS_PASSWORD=correct-horse-battery"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for file in bundle.iterdir():
        assert b"correct-horse-battery" not in file.read_bytes(), file.name
    left_out = json.loads((bundle / "entrypoint.json").read_text())["differences"]
    assert [one["subject"] for one in left_out] == ["variable REDIS_PASSWORD"]
