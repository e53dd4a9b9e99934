"""verify: boots the image once and asks each port that it exposes.

A program that exposes TCP ports passes when every one of them listens and answers (see `probe`).
One without passes when it ends with status 0, or is still running after a while. UDP ports are not
asked: nothing is known of what they speak.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from .. import tools
from ..errors import VerificationError
from ..model import Artifact, BootResult, Entrypoint, Probe
from . import accelerator, qemu, session
from .probe import REQUEST, fetch

_DEADLINE_S = 60.0
_STILL_RUNNING_S = 10.0
_CONSOLE_TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class Options:
    """How to boot for verification; the machine's default is the runtime's first."""

    memory_mb: int
    machine: str | None = None
    accelerator: str = "auto"
    deadline_s: float = _DEADLINE_S


def boot_and_probe(artifact: Artifact, entrypoint: Entrypoint, options: Options) -> BootResult:
    """Boot `artifact`, probe it, end it. A failing guest is a result, not an exception."""
    ports = tuple(port for port in entrypoint.ports if port.endswith("/tcp"))
    guest = qemu.Guest(
        image=artifact.path,
        machine=options.machine or artifact.match.runtime.machines[0],
        accelerator=accelerator.choose(options.accelerator).accelerator,
        memory_mb=options.memory_mb,
        forwards=_free_forwards(ports),
    )
    with tempfile.NamedTemporaryFile("rb") as console:
        serial = ("-serial", f"file:{console.name}")
        began_s = time.monotonic()
        with session.start(guest, serial, errors=None) as running:
            outcome = _Outcome(guest, running, began_s)
            probes = outcome.probe_ports(options) if ports else (outcome.wait(options),)
        text = _text(console)
    return BootResult(
        machine=guest.machine,
        accelerator=guest.accelerator,
        command=qemu.by_hand(replace(guest, image=Path(guest.image.name))),
        boot_ms=outcome.first_answer_ms,
        probes=probes,
        console=text,
        is_passed=all(probe.is_passed for probe in probes),
        missed_system_calls=tuple(outcome.missed_system_calls),
    )


def require_passed(result: BootResult) -> None:
    """Raise when `result` is no pass, with each reason and the end of the console."""
    if result.is_passed:
        return
    failed = [f"{probe.port}: {probe.answer}" for probe in result.probes if not probe.is_passed]
    tail = "\n".join(result.console.splitlines()[-_CONSOLE_TAIL_LINES:])
    raise VerificationError(
        f"the image did not pass verification: {'; '.join(failed)}\n"
        f"command: {result.command}\nend of the console:\n{tail or '(it said nothing)'}",
        hint="the bundle is kept; `dock2uk run` boots it as it is",
    )


class _Outcome:
    """What comes of one boot. Events are consumed once, in order."""

    def __init__(self, guest: qemu.Guest, running: session.Session, began_s: float) -> None:
        self._guest = guest
        self._running = running
        self._began_s = began_s
        self.first_answer_ms = 0.0
        self.missed_system_calls: list[str] = []

    def probe_ports(self, options: Options) -> tuple[Probe, ...]:
        """Each port once it listens; the rest fail with the reason why they never did."""
        waiting = {f"{forward.guest_port}/tcp": forward for forward in self._guest.forwards}
        probes: dict[str, Probe] = {}
        ending = "the guest ended"
        for event in self._events(options.deadline_s):
            if event.name in ("exit", "panic"):
                ending = f"the guest ended first: {event.name} {event.value}"
            forward = waiting.pop(event.value, None) if event.name == "ready" else None
            if forward is not None:
                probes[event.value] = self._fetch(event.value, forward)
            if not waiting:
                break
        else:
            if tools.wait(self._running.process, 0.1) is None:
                ending = f"nothing listened within {options.deadline_s:g} s"
        failures = {port: Probe(port, REQUEST, ending, is_passed=False) for port in waiting}
        return tuple((probes | failures).values())

    def wait(self, options: Options) -> Probe:
        """For a program without ports."""
        status: str | None = None
        for event in self._events(min(_STILL_RUNNING_S, options.deadline_s)):
            if event.name in ("exit", "panic"):
                status = f"{event.name} {event.value}"
        self._note_answer()
        if status is None:
            return self._without_status()
        return Probe("none", "run", status, is_passed=status == "exit 0")

    def _events(self, deadline_s: float) -> Iterator[session.Event]:
        for event in self._running.events.until(self._began_s + deadline_s):
            if event.name == "enosys":
                self.missed_system_calls.append(event.value)
            yield event

    def _without_status(self) -> Probe:
        if tools.wait(self._running.process, 0.1) is None:
            return Probe("none", "run", f"still running after {_STILL_RUNNING_S:g} s", True)
        return Probe("none", "run", "the guest ended without a status", is_passed=False)

    def _fetch(self, port: str, forward: qemu.Forward) -> Probe:
        probe = fetch(port, (forward.address, forward.host_port), "localhost")
        self._note_answer()
        return probe

    def _note_answer(self) -> None:
        if not self.first_answer_ms:
            self.first_answer_ms = (time.monotonic() - self._began_s) * 1000


def _free_forwards(ports: tuple[str, ...]) -> tuple[qemu.Forward, ...]:
    """Each port behind one of the host that nothing uses at the moment."""
    with ExitStack() as listening:
        servers = [listening.enter_context(socket.create_server((qemu.LOOPBACK, 0))) for _ in ports]
        numbers = [server.getsockname()[1] for server in servers]
    return tuple(
        qemu.Forward(qemu.LOOPBACK, number, int(port.partition("/")[0]), "tcp")
        for number, port in zip(numbers, ports, strict=True)
    )


def _text(console: IO[bytes]) -> str:
    return Path(console.name).read_text(errors="replace")
