"""What is said where this machine lets nobody make a sandbox: no guess, and what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest
from machine import ONE, launch, machine

from dock2uk.entrypoint.record import Bounds, find_obstacle, record, sandbox
from dock2uk.errors import SandboxUnavailableError

_ASK = "from dock2uk.entrypoint.record import find_obstacle; print(find_obstacle())"
# What a container engine's own list of system calls does to those inside.
_FILTERED = (
    "from dock2uk.entrypoint.record import linux, seccomp\n"
    f"linux.install_filter(seccomp.docker_filter())\n{_ASK}"
)


# A kernel that knows no veth(4), and the addresses a run then has.
_WITHOUT_VETH = """
from pathlib import Path
from dock2uk.entrypoint.record import network
def refuse(outside):
    raise OSError(95, "Operation not supported")
network._make_pair = refuse
network.make("172.17.0.5")
print(Path("/proc/net/dev").read_text(), Path("/proc/net/fib_trie").read_text())
"""


def answer(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_where_system_calls_are_refused_the_container_is_named() -> None:
    told = answer(sys.executable, "-c", _FILTERED)
    assert told.startswith("no sandbox can be made: unshare: Operation not permitted")
    assert "--privileged" in told


def test_where_there_are_no_ids_to_give_that_is_said() -> None:
    told = answer("unshare", "--user", "--map-root-user", sys.executable, "-c", _ASK)
    assert "leaves no 65536 IDs beside our own" in told


def test_where_files_in_memory_are_refused_that_is_said() -> None:
    """A mount namespace in which proc(5) is partly covered, as in many containers, lets nobody
    mount it anew."""
    script = 'mount -t tmpfs none /proc/sys && exec "$@"'
    told = answer("unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", _ASK)
    assert told == "no sandbox can be made: mount proc on /proc: Operation not permitted"


def test_without_its_kind_of_interface_the_address_is_there_all_the_same() -> None:
    inside = ("unshare", "--user", "--map-root-user", "--net")
    told = answer(*inside, sys.executable, "-c", _WITHOUT_VETH)
    assert "eth0" not in told
    assert "172.17.0.5" in told


def test_a_supervisor_that_fails_is_no_riddle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_SUPERVISOR", "dock2uk.no_such_module")
    told = find_obstacle() or ""
    assert "supervisor failed" in told
    assert "No module named dock2uk.no_such_module" in told


def test_an_image_that_does_not_fit_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.processes, "available_bytes", lambda: 1000)
    with pytest.raises(SandboxUnavailableError, match="half of the memory that is available, 500"):
        record(machine("exec true"), launch(), [ONE], Bounds())
