"""The same without root: as a user of this machine with nothing but a range of IDs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import HERE, leaves_nothing

_UID = 64_321  # nobody's on this machine
_ACCOUNT = f"recorder:x:{_UID}:{_UID}::/:/bin/sh\n"
_RANGE = "recorder:1600000000:65536\n"
_RECORDING = """
import json, sys
sys.path[:0] = {paths!r}
from machine import ONE, launch, machine
from dock2uk.entrypoint.record import Bounds, find_obstacle, record
start = "chown 33:33 /etc/passwd; id -u > /run/who; exec server listen 80"
obstacle = find_obstacle()
seen = record(machine(start), launch(), [ONE], Bounds(time_s=20))[0] if obstacle is None else None
changes = {{change.path: change.node.uid for change in seen.changes}} if seen else {{}}
print(json.dumps([obstacle, seen and seen.final.argv, changes]))
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """What the user needs, where it can be read: these files, and places for Python's."""
    if os.geteuid() != 0:
        pytest.fail("only root can become another user: run the tests as root")
    with tempfile.TemporaryDirectory(dir="/tmp") as name, leaves_nothing():
        directory = Path(name)
        directory.chmod(0o755)
        repository = HERE.parents[1]
        ignored = shutil.ignore_patterns("__pycache__")  # others write there
        for source, copy in (("converter", "dock2uk"), ("tests", "tests")):
            shutil.copytree(repository / source, directory / copy, ignore=ignored)
        for place in ("build", "python", "modules"):
            (directory / place).mkdir()
        (directory / "build").chmod(0o777)
        yield directory


def as_user(reachable: Path, ranges: str) -> list[object]:
    """What the recording says when a user with these lines in /etc/subuid makes it."""
    for name in ("subuid", "subgid"):
        (reachable / name).write_text(ranges)
    code = _RECORDING.format(paths=[str(reachable), str(reachable / "tests" / "record")])
    (reachable / "passwd").write_text(_ACCOUNT)
    shown = {
        reachable / "passwd": "/etc/passwd",
        reachable / "subuid": "/etc/subuid", reachable / "subgid": "/etc/subgid",
        sys.base_prefix: reachable / "python",
        sysconfig.get_path("purelib"): reachable / "modules",
    }  # fmt: skip
    mounts = " && ".join(f"mount --bind {source} {target}" for source, target in shown.items())
    become = f"setpriv --reuid {_UID} --regid {_UID} --clear-groups --inh-caps -all"
    python = reachable / "python" / "bin" / "python3"
    script = f'{mounts} && exec {become} {python} -c "$1"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", code]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{reachable}:{reachable}/modules"}
    done = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_a_user_with_a_range_of_ids_can_record(reachable: Path) -> None:
    obstacle, argv, changes = as_user(reachable, _RANGE)
    assert obstacle is None
    assert argv == ["server", "listen", "80"]
    assert changes == {"/etc/passwd": 33, "/run/who": 0}


def test_a_user_without_one_is_told_what_to_do(reachable: Path) -> None:
    obstacle, _, _ = as_user(reachable, "somebody:1600000000:65536\n")
    assert "/etc/subuid gives recorder no range of 65536 IDs" in str(obstacle)
    assert "usermod --add-subuids" in str(obstacle)
