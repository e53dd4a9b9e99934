"""Booting, running and verifying under QEMU, with a stub in place of the kernel: what the host's
side does when a guest speaks, answers nothing, hangs or dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dock2uk import bundle as bundles
from dock2uk.errors import Dock2ukError, ToolError, VerificationError
from dock2uk.link import Program, link_programs
from dock2uk.match import offer
from dock2uk.model import Artifact, BootResult
from dock2uk.probes import covering
from dock2uk.verify import Options, accelerator, boot_and_probe, require_passed
from dock2uk.verify.run import run_guest
from tests.nodes import directory
from tests.stub_kernel import EXIT, HANG, TRIPLE_FAULT, Stub, build_runtime
from tests.values import entrypoint, image

READY = "ready 80/tcp\\n"
HANGING = Stub(events=READY, ending=HANG)


def make(tmp_path: Path, stub: Stub) -> Artifact:
    runtime = build_runtime(tmp_path / "runtime", stub)
    path = tmp_path / "bundle" / "unikernel.elf"
    return link_programs((directory("/"),), (Program("/a", ("a",)),), offer(runtime), path)


def make_bundle(tmp_path: Path, stub: Stub) -> Path:
    artifact = make(tmp_path, stub)
    bundles.write(image(), entrypoint(), artifact, "qemu …", ())
    return artifact.path.parent


def verify(tmp_path: Path, stub: Stub, ports: tuple[str, ...], deadline_s: float) -> BootResult:
    options = Options(memory_mb=16, accelerator="tcg", deadline_s=deadline_s)
    return boot_and_probe(make(tmp_path, stub), covering((), ports), options)


@pytest.mark.parametrize("machine", ["microvm", "q35", "pc"])
def test_a_guest_runs_on_every_machine(
    tmp_path: Path, machine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(tmp_path, Stub())
    assert run_guest(bundle, machine=machine, accel="tcg") == 7
    assert "hello from the stub" in capfd.readouterr().out


def test_the_whole_status_arrives_though_the_exit_device_has_7_bits(tmp_path: Path) -> None:
    stub = Stub(events="exit 3\\nexit 139\\n", ending=EXIT.format(status=127))
    assert run_guest(make_bundle(tmp_path, stub), accel="tcg") == 139


def test_a_kernel_panic_is_status_125(tmp_path: Path) -> None:
    stub = Stub(events="panic out of memory\\n", ending=EXIT.format(status=125))
    assert run_guest(make_bundle(tmp_path, stub), accel="tcg") == 125


def test_a_kernel_that_hangs_in_its_panic_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dock2uk.verify.run._LAST_WORDS_S", 0.5)
    stub = Stub(events="panic in the panic\\n", ending=HANG)
    assert run_guest(make_bundle(tmp_path, stub), accel="tcg") == 125


@pytest.mark.parametrize("events", ["exit\\n", "exit soon\\n", "exit 256\\n", "exit 0", "\\377"])
def test_events_that_make_no_sense_are_no_status(tmp_path: Path, events: str) -> None:
    bundle = make_bundle(tmp_path, Stub(events=events, ending=EXIT.format(status=1)))
    with pytest.raises(ToolError, match="QEMU ended with status 3"):
        run_guest(bundle, accel="tcg")


def test_a_triple_fault_is_an_error_not_a_success(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, Stub(events="", ending=TRIPLE_FAULT))
    with pytest.raises(Dock2ukError, match="without an exit status"):
        run_guest(bundle, accel="tcg")


def test_a_port_that_is_taken_shows_the_command(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ToolError, match=f"hostfwd=tcp:127.0.0.1:{port}-:80"):
            run_guest(make_bundle(tmp_path, Stub()), ports=(f"{port}:80",), accel="tcg")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_qemu_does_not_outlive_its_parent(tmp_path: Path, number: int, status: int) -> None:
    bundle = make_bundle(tmp_path, HANGING)
    program = f"""
import sys
from pathlib import Path
from dock2uk.verify.run import run_guest
sys.exit(run_guest(Path({str(bundle)!r}), accel="tcg"))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"hello from the stub\n"
        (child,) = children(parent.pid)
        parent.send_signal(number)
        if number != signal.SIGKILL:  # the first is the guest's, and this one hangs
            time.sleep(0.5)  # two that come at once are one
            parent.send_signal(number)
        assert parent.wait(10) == status
        assert has_ended_within(child, 5)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def has_ended_within(pid: int, seconds: float) -> bool:
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_program_without_ports_passes_by_ending_well(tmp_path: Path) -> None:
    stub = Stub(events="enosys rseq\\nexit 0\\n", ending=EXIT.format(status=0))
    result = verify(tmp_path, stub, ports=(), deadline_s=20)
    assert result.is_passed
    assert result.console == "hello from the stub\n"
    assert result.probes[0].answer.said == "exit 0"
    assert result.missed_system_calls == ("rseq",)


def test_a_program_that_fails_does_not_pass_and_its_console_is_shown(tmp_path: Path) -> None:
    result = verify(tmp_path, Stub(), ports=(), deadline_s=20)
    with pytest.raises(VerificationError, match=r"exit 7(?s:.)*hello from the stub") as caught:
        require_passed(result)
    assert caught.value.exit_status == 4


def test_a_guest_that_never_listens_is_ended_at_the_deadline(tmp_path: Path) -> None:
    began_s = time.monotonic()
    result = verify(tmp_path, Stub(events="", ending=HANG), ports=("80/tcp",), deadline_s=1.5)
    assert time.monotonic() - began_s < 10
    assert result.probes[0].answer.said == "nothing listened within 1.5 s"
    assert not result.is_passed


def test_a_guest_that_ends_before_it_listens_says_how(tmp_path: Path) -> None:
    result = verify(tmp_path, Stub(), ports=("80/tcp",), deadline_s=20)
    assert result.probes[0].answer.said == "the guest ended first: exit 7"


def test_listening_alone_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dock2uk.probes.answers._TIMEOUT_S", 1.0)
    result = verify(tmp_path, HANGING, ports=("80/tcp",), deadline_s=20)
    assert result.probes[0].answer.said.startswith("no answer")
    assert not result.is_passed


def test_the_trial_guest_works_under_tcg(tmp_path: Path) -> None:
    trial = tmp_path / "trial.elf"
    trial.write_bytes(accelerator._trial_image())
    assert accelerator._boot_time_s(trial, "tcg") is not None


def test_the_choice_is_remembered_until_the_host_reboots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(accelerator, "_DEVICE", tmp_path)  # something that can be opened
    first = accelerator.choose("auto")
    monkeypatch.setattr(accelerator, "_compare", pytest.fail)
    assert accelerator.choose("auto") == first
    cache = tmp_path / "dock2uk" / "accelerator.json"
    cache.write_text(json.dumps(json.loads(cache.read_text()) | {"boot_id": "another"}))
    monkeypatch.setattr(accelerator, "_compare", lambda: accelerator.Choice("tcg", "a new trial"))
    assert accelerator.choose("auto").because == "a new trial"
