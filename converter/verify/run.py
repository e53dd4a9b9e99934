"""What `dock2uk run` does: boots a bundle in the foreground, as `docker run` would.

The program's output is our standard output (QEMU writes it there itself), its exit status is what
is returned. Signals that are sent to us are the program's: its first process gets them. One that
asks to end powers the machine off when it comes again, or is not heeded within ten seconds.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from .. import bundle as bundles
from .. import strace, tools
from ..errors import Dock2ukError, ToolError
from . import accelerator, qemu, session

_CONSOLE = ("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console")
# The status for a kernel that died.
KERNEL_FAILURE = 125
_MIB = 1 << 20
# How long a kernel that panicked may take to print why and to power off.
_LAST_WORDS_S = 10.0
_FORWARDED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
_ASK_TO_END = (signal.SIGINT, signal.SIGTERM)
# How long the program may take to end when it was asked to, as `docker stop` has it.
_GRACE_S = 10.0


class _StopError(Exception):
    """A signal that ends the run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_guest(
    bundle: Path,
    ports: Sequence[str] = (),
    memory_mb: int | None = None,
    machine: str | None = None,
    accel: str = "auto",
    *,
    environment: tuple[str, ...] = (),
    tracer: strace.Tracer | None = None,
) -> int:
    """Run the bundle in directory `bundle` to its end, with `environment` over what is baked in,
    and return the program's exit status: 128 plus the signal's number when a signal ended it, or
    us."""
    manifest = bundles.read(bundle)
    _require_room(manifest, memory_mb or manifest.memory_mb)
    _require_drivers(manifest, machine)
    guest = qemu.Guest(
        image=manifest.image,
        machine=machine or manifest.machines[0],
        accelerator=accelerator.choose(accel).accelerator,
        memory_mb=memory_mb or manifest.memory_mb,
        forwards=tuple(map(qemu.parse_forward, ports)),
        environment=environment,
        kernel_words=tracer.kernel_words if tracer else (),
    )
    try:
        with (
            _signals_raise(),
            session.start(guest, _CONSOLE, errors=None) as running,
            _signals_forwarded(running),
        ):
            status = _status(running, tracer)
    except _StopError as stopped:
        if tracer is not None:
            tracer.close(f"the machine was stopped by {signal.Signals(stopped.number).name}")
        return 128 + stopped.number
    except Dock2ukError as error:
        if tracer is not None:
            tracer.close(error.message)
        raise
    if tracer is not None:
        tracer.close()
    return status


def _require_drivers(manifest: bundles.Bundle, machine: str | None) -> None:
    """On another machine it would boot and find no network."""
    if machine is not None and machine not in manifest.machines:
        known = " or ".join(manifest.machines)
        raise Dock2ukError(
            f"the bundle was made for {known}, not {machine}",
            hint=f"convert it again with --machine {machine}, or without --machine for all",
        )


def _require_room(bundle: bundles.Bundle, memory_mb: int) -> None:
    """QEMU starts a machine that its image does not fit into, and nothing is heard of it."""
    image_mb = bundle.image.stat().st_size // _MIB + 1 if bundle.image.exists() else 0
    if image_mb > memory_mb:
        raise Dock2ukError(
            f"{memory_mb} MB of memory do not hold the image, which has {image_mb} MB",
            hint=f"leave -m out, and it is {bundle.memory_mb} MB",
        )


def _status(running: session.Session, tracer: strace.Tracer | None) -> int:
    """The last program's status. Without one, QEMU's own tells what went wrong."""
    status: int | None = None
    for event in running.events.until(None):
        if tracer is not None:
            tracer.take(event.name, event.value)
        if event.name == "panic":
            tools.wait(running.process, _LAST_WORDS_S)
            return KERNEL_FAILURE
        if event.exit_status is not None:
            status = event.exit_status
    qemu_status = running.process.wait()
    if status is not None:
        return status
    if qemu_status != 0:
        raise ToolError(f"QEMU ended with status {qemu_status}: {running.command}")
    raise Dock2ukError(f"the guest ended without an exit status: {running.command}")


@contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGINT and SIGTERM raise _StopError inside the block, so that everything is put away."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise _StopError(number)

    with _handled_by(stop, _ASK_TO_END):
        yield


@contextmanager
def _signals_forwarded(running: session.Session) -> Iterator[None]:
    """Signals go to the guest's first process; those that ask to end raise _StopError later."""
    asked: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if asked and number in _ASK_TO_END:
            raise _StopError(number)
        if number in _ASK_TO_END:
            asked.append(number)
            signal.setitimer(signal.ITIMER_REAL, _GRACE_S)
        running.signal(number)

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise _StopError(asked[0])

    with _handled_by(give_up, (signal.SIGALRM,)), _handled_by(forward, _FORWARDED):
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _handled_by(
    handler: Callable[[int, FrameType | None], None], numbers: Sequence[int]
) -> Iterator[None]:
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, former in zip(numbers, before, strict=True):
            signal.signal(number, former)
