"""expect.toml against the truth: the same start-up in a Docker container."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from dock2uk.model import Image
from tests.entrypoint.expectation import NAMES, Expectation, Program
from tests.entrypoint.from_container import AtExec, Container, changes, started
from tests.entrypoint.images import image_of
from tests.entrypoint.observed import Names, complaints

EXPECTED = {name: Expectation.of(name) for name in NAMES}
ONE_PROGRAM = [name for name, expected in EXPECTED.items() if expected.program is not None]
REFUSED = [name for name, expected in EXPECTED.items() if expected.refused is not None]
# moby/oci/caps/defaults.go, as capabilities(7) numbers them.
DEFAULT_CAPABILITIES = 0x00000000A80425FB
NOTHING = "/nothing"  # no program: none is held


@pytest.fixture(scope="module", autouse=True)
def _daemon() -> None:
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker daemon answers here")


@pytest.mark.parametrize("name", ONE_PROGRAM)
def test_the_container_does_what_is_expected(name: str, tmp_path: Path) -> None:
    expected, image = EXPECTED[name], image_of(name)
    program = expected.one_program
    with started(f"{name}:latest", tmp_path, program.exe, program.is_process_1) as container:
        check_state(image, expected, container.held())
        filled = tuple(directory.path for directory in expected.filled)
        seen = changes(container, image.tree, filled)
        assert complaints(image.tree, expected, seen) == []
        container.release()
        assert container.listening(len(program.listening)) == set(program.listening)


def check_state(image: Image, expected: Expectation, state: AtExec) -> None:
    program, names = expected.one_program, Names(image.tree)
    assert (state.exe, state.argv, state.cwd) == (program.exe, program.argv, program.cwd)
    assert {k: v for k, v in state.env.items() if k != "HOSTNAME"} == expected.environment
    uid, gid = names.uid(program.uid), names.gid(program.gid)
    assert state.status["Uid"].split() == [str(uid)] * 4
    assert state.status["Gid"].split() == [str(gid)] * 4
    groups = {int(group) for group in state.status["Groups"].split()}
    assert groups - {gid} == {names.gid(group) for group in program.groups}
    assert int(state.status["Umask"], 8) == program.umask
    assert (state.status["NSpid"].split()[-1] == "1") == program.is_process_1
    assert state.status["NoNewPrivs"] == str(int(program.no_new_privileges))
    capabilities = DEFAULT_CAPABILITIES if program.capabilities == "default" else 0
    assert int(state.status["CapEff"], 16) == capabilities
    check_limits(program, state)


def check_limits(program: Program, state: AtExec) -> None:
    shown = {"RLIMIT_NOFILE": "Max open files"}  # proc_pid_limits(5) has names of its own
    for name, (soft, hard) in program.limits.items():
        assert state.limits[shown[name]] == (str(soft), str(hard))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_more_than_one_program(name: str, tmp_path: Path) -> None:
    refused = EXPECTED[name].refused
    assert refused is not None
    with started(f"{name}:latest", tmp_path, NOTHING, is_process_1=True) as container:
        assert container.listening(len(refused.listening)) == set(refused.listening)
        wait_for(container, set(refused.programs))


def wait_for(container: Container, programs: set[str]) -> None:
    deadline_s = time.monotonic() + 20
    while not programs <= container.programs():
        assert time.monotonic() < deadline_s, container.programs()
        time.sleep(0.1)
