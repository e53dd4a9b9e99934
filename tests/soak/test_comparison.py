"""Every sample image that serves answers as its container does, with nothing kept by hand."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.boot.served import DOCK2UK, REPOSITORY

FIXTURES = REPOSITORY / "build/fixtures"
# Two that are refused, for they are more than one program; two that are told what to run at boot;
# one that is asked by datagrams, which no probe sends.
OTHERWISE = ("start-supervisor", "start-two-listeners", "cpython-tests", "stress-ng", "dns-udp")
NAMES = sorted({path.parent.name for path in FIXTURES.glob("*/index.json")}.difference(OTHERWISE))
# These start with a secret that their start-up makes, which goes in only when it is asked for.
BAKED = ("start-postgres", "start-wordpress")


@pytest.mark.soak
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_its_container_does(name: str, tmp_path: Path) -> None:
    options = ["--json", *(["--bake"] if name in BAKED else [])]
    command = [*DOCK2UK, "convert", f"oci:{FIXTURES / name}", "-o", tmp_path / "a.uk", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    comparison = json.loads(done.stdout)["comparison"]
    assert comparison["is_compared"], comparison["reason"]
    assert not [one for one in comparison["answers"] if one["differences"]]
