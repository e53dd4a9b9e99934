"""Every sample image on every machine type, through `dock2uk run`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.boot.served import FIXTURES, MACHINES, ask_for_the_end, get, run

Bundles = Callable[[str], Path]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", FIXTURES)
def test_serves_its_page(bundle: Bundles, name: str, machine: str) -> None:
    with run(bundle(name), "--machine", machine) as served:
        answer = get(served)
        assert (answer.status, answer.body) == (200, FIXTURES[name])
        headers = dict(answer.headers)
        assert headers["Content-Type"] == "text/html"
        assert headers["Content-Length"] == str(len(FIXTURES[name]))
        assert get(served) == answer


@pytest.mark.parametrize("status", [0, 3, 255])
@pytest.mark.parametrize("name", ["static-c", "static-go"])
def test_the_exit_status_is_the_program_s(bundle: Bundles, name: str, status: int) -> None:
    with run(bundle(name)) as served:
        get(served)
        ask_for_the_end(served.port, f"/exit/{status}")
        assert served.end_status() == status


@pytest.mark.parametrize("machine", MACHINES)
def test_powers_off_on_every_machine_when_the_program_exits(bundle: Bundles, machine: str) -> None:
    with run(bundle("static-c"), "--machine", machine) as served:
        get(served)
        ask_for_the_end(served.port, "/exit/0")
        assert served.end_status() == 0


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "status"), [
    ("nginx", 0),  # it handles the signal
    ("static-c", 128 + signal.SIGTERM),
])  # fmt: skip
def test_a_stop_is_the_program_s_to_heed(
    bundle: Bundles, name: str, status: int, machine: str
) -> None:
    with run(bundle(name), "--machine", machine) as served:
        get(served)
        served.process.send_signal(signal.SIGTERM)
        assert served.end_status() == status


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1])
def test_signals_are_the_program_s(bundle: Bundles, number: signal.Signals) -> None:
    with run(bundle("static-c")) as served:
        get(served)
        served.process.send_signal(number)
        assert served.end_status() == 128 + number


def test_a_crash_of_the_program_is_told(bundle: Bundles) -> None:
    with run(bundle("static-c")) as served:
        get(served)
        ask_for_the_end(served.port, "/crash")
        assert served.end_status() == 128 + signal.SIGSEGV
        console = served.console.read_text(errors="replace")
    assert "husk: killed by SIGSEGV" in console
    assert "rip" in console.lower()


@pytest.mark.parametrize(("machine", "memory_mb"), [
    ("microvm", 16), ("q35", 16), ("pc", 16), ("microvm", 4096), ("q35", 4096), ("pc", 4096),
])  # fmt: skip
def test_serves_with_little_and_much_memory(bundle: Bundles, machine: str, memory_mb: int) -> None:
    with run(bundle("static-c"), "--machine", machine, "-m", str(memory_mb)) as served:
        assert get(served).status == 200


def test_too_little_memory_is_an_error_not_a_hang(bundle: Bundles) -> None:
    """The image itself is larger than this."""
    with run(bundle("nginx"), "-m", "8") as served:
        assert served.end_status() not in (0, None)
