"""Start-ups that mean harm, or go wrong: each ends within its bound, says so, and leaves nothing.

What a test reaches for on the host is made by the test and looked at afterwards.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import ONE, launch, leaves_nothing, machine, run

from dock2uk.entrypoint.record import Bounds, record
from dock2uk.entrypoint.record.recording import Ending
from dock2uk.errors import StartupError
from tests.unit.trees import Link

_MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def _leaves_nothing(tmp_path: Path) -> Iterator[None]:
    assert tmp_path.exists()  # where it always is: what begins here looks at all that is new
    with leaves_nothing():
        yield


def refused(start: str, **bounds: float) -> str:
    """The message with which a start-up is ended, and that it comes in good time."""
    began_s = time.monotonic()
    with pytest.raises(StartupError) as caught:
        run(start, **bounds)
    assert time.monotonic() - began_s < 30
    return caught.value.message


def test_a_fork_bomb() -> None:
    message = refused("server forks & server forks & wait", processes=64)
    assert "it started more than 64 processes" in message


def test_a_fork_bomb_of_the_shell() -> None:
    assert "more than 64 processes" in refused("f() { f | f & }; f; sleep 60", processes=64)


def test_one_that_fills_memory() -> None:
    message = refused("exec server memory", memory_bytes=256 * _MEGABYTE)
    assert "the bound on memory" in message


def test_many_that_fill_memory_together() -> None:
    start = "for n in 1 2 3 4 5 6 7 8; do server memory & done; wait"
    assert "the bound on memory" in refused(start, memory_bytes=512 * _MEGABYTE)


def test_one_that_fills_memory_which_no_process_has_mapped() -> None:
    message = refused("server memfd; exit $?", memory_bytes=64 * _MEGABYTE)
    assert "ended with status 153" in message  # 128 + SIGXFSZ


def test_one_that_fills_its_disk() -> None:
    message = refused("dd if=/dev/zero of=/big bs=1M || exit 1", memory_bytes=64 * _MEGABYTE)
    assert "No space left on device" in message or "File too large" in message


def test_one_that_fills_its_disk_with_many_files() -> None:
    message = refused(
        "for n in 1 2 3 4 5 6; do dd if=/dev/zero of=/big$n bs=1M count=20 || exit 1; done",
        memory_bytes=64 * _MEGABYTE,
    )
    assert "the bound on memory" in message
    assert "No space left on device" in message


def test_one_that_writes_again_and_again() -> None:
    """Each time something is executed its files would have to be kept."""
    start = "while :; do dd if=/dev/zero of=/big bs=1M count=16 2>/dev/null; done"
    assert "the bound on files" in refused(start, memory_bytes=64 * _MEGABYTE)


def test_one_that_sleeps_for_ever() -> None:
    assert "it took more than 2 s" in refused("sleep 1000000; true", time_s=2)


def test_one_that_ignores_sigterm_and_sleeps() -> None:
    assert "it took more than 2 s" in refused("trap '' TERM INT HUP; sleep 9999; true", time_s=2)


def test_one_that_prints_for_ever() -> None:
    message = refused("yes nonsense", output_bytes=8 * _MEGABYTE)
    assert "it printed more than 8388608 bytes" in message
    assert len(message) < 4096


def test_one_that_closes_what_it_prints_to() -> None:
    assert "it took more than 2 s" in refused("exec >&- 2>&-; sleep 99; true", time_s=2)


def test_one_that_stops_itself() -> None:
    assert "it took more than 2 s" in refused("kill -STOP $$; true", time_s=2)


def test_one_that_kills_everything() -> None:
    seen = run("server kills; exec server listen 80")
    assert seen.final.argv == ("server", "listen", "80")


def test_one_that_deletes_everything() -> None:
    seen = run("rm -rf --no-preserve-root / 2> /dev/null; exit 0")
    assert seen.ending is Ending.ENDED
    assert seen.output == ""


def test_one_that_leaves_daemons_behind() -> None:
    seen = run("server setsids; exec true")
    assert (seen.ending, seen.exit_status) == (Ending.ENDED, 0)


def test_one_that_makes_a_hundred_thousand_files() -> None:
    start = """
    mkdir /many; cd /many; n=0
    while [ $n -lt 100000 ]; do : > $n; n=$((n+1)); done
    exec server listen 80"""
    seen = run(start, time_s=60)
    assert len(seen.changes) == 100_001


def test_one_that_executes_for_ever() -> None:
    assert "it took more than 2 s" in refused("while :; do env true; done", time_s=2)


def test_one_whose_directories_are_too_deep_to_read() -> None:
    name = "d" * 200
    start = f"""
    n=0; while [ $n -lt 40 ]; do mkdir {name}; cd {name}; n=$((n+1)); done; cd /
    exec server listen 80"""
    assert "its files cannot be read: File name too long" in refused(start)


def test_many_that_compute_while_files_are_read() -> None:
    seen = run("n=0; while [ $n -lt 100 ]; do server busy & n=$((n+1)); done; exec server listen 1")
    assert seen.final.argv == ("server", "listen", "1")


def test_one_that_mounts() -> None:
    seen = run("mount -t tmpfs none /tmp; mount --bind / /run; exec true")
    assert seen.output.count("permission denied") + seen.output.count("not permitted") >= 2


def test_one_that_traces_its_parent() -> None:
    seen = run("server parent; exec server listen 80")
    assert seen.final.argv == ("server", "listen", "80")
    assert "traceme EPERM" in seen.output
    assert "attach 1 EPERM" in seen.output


def test_one_that_reaches_for_the_network() -> None:
    """A listener of this machine's loopback, one of all its addresses, and the world."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        seen = run(f"server connects 127.0.0.1 {port}; server connects 1.1.1.1 80; exec true")
        with pytest.raises(TimeoutError):
            server.accept()
    assert seen.output.splitlines() == ["127.0.0.1 ECONNREFUSED", "1.1.1.1 ENETUNREACH"]


def test_one_that_writes_to_the_host_through_links(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    up = "../" * 20
    entries = {"/link": Link(f"{up}{victim}"), "/direct": Link(str(victim))}
    start = f"""
    echo theirs > /link; echo theirs > /direct; echo theirs > {up}{victim}
    echo theirs > /proc/1/root{victim}; echo theirs > /proc/self/root/{up}{victim}
    for n in 3 4 5 6 7 8 9 10 11 12; do echo theirs > /proc/self/fd/$n/{up}{victim}; done
    exec true"""
    run(start, entries)
    assert victim.read_text() == "mine"


def test_one_that_climbs_out_of_its_root() -> None:
    seen = run("exec server escapes")
    listed = seen.output.split()
    assert "start" in listed
    assert "work" not in listed


def test_links_in_the_image_that_lead_out_of_it(tmp_path: Path) -> None:
    """Where files are mounted, and where the working directory is made."""
    up = "../" * 20
    entries = {"/etc/hosts": Link(f"{up}{tmp_path}/hosts"), "/out": Link(f"{up}{tmp_path}")}
    tree = machine("echo x > /etc/hosts; mkdir -p /out/made; exec true", entries)
    record(tree, launch(), [ONE], Bounds(time_s=20))
    with pytest.raises(StartupError, match="its working directory /out/made"):
        record(tree, launch(cwd="/out/made"), [ONE], Bounds(time_s=20))
    assert list(tmp_path.iterdir()) == []


_RECORDING = """
import sys
sys.path[:0] = {paths!r}
from machine import ONE, launch, machine
from dock2uk.entrypoint.record import Bounds, record
record(machine("echo begun; server setsids; sleep 1000; true"), launch(), [ONE, ONE], Bounds())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_converter_that_is_ended_leaves_nothing(number: signal.Signals) -> None:
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    converter = subprocess.Popen([sys.executable, "-c", _RECORDING.format(paths=paths)],
                                 stderr=subprocess.DEVNULL)  # fmt: skip
    _wait_for_sandbox()
    converter.send_signal(number)
    assert converter.wait(10) != 0


def _wait_for_sandbox() -> None:
    """Until something sleeps in another user namespace."""
    deadline_s = time.monotonic() + 20
    ours = os.readlink("/proc/self/ns/user")
    while time.monotonic() < deadline_s:
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                if command == b"sleep\0001000\0" and os.readlink(f"/proc/{pid}/ns/user") != ours:
                    return
            except OSError:
                continue
        time.sleep(0.05)
    raise AssertionError("no start-up was running")
