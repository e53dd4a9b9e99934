"""A running guest: QEMU as a child that never outlives us, the events it sends, and signals to it.

The control channel is one line an event (see `Event`); it arrives through a pipe that QEMU opens
as a file, and its end is QEMU's end. Signals go the other way through a second pipe, one line
each: the signal's number and the process, which are the guest's own. Variables given at boot are in
memory that has no name and goes with QEMU.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .. import tools
from . import qemu

# More of a line than this is no event: what is beyond is dropped. A traced call with its memory is
# the longest.
_LINE_LIMIT_BYTES = 1 << 20
_LARGEST_STATUS = 255
# What the first process is called in the guest, as in a container.
FIRST_PROCESS = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the control channel: `exit 0`, `ready 80/tcp`, `enosys NAME`, `counts …`,
    `panic …`."""

    name: str
    value: str

    @property
    def exit_status(self) -> int | None:
        """The status an `exit` event tells, 128 and the signal's number for a death by signal.
        The line is the guest's to write: one that makes no sense tells nothing."""
        is_status = self.name == "exit" and self.value.isascii() and self.value.isdecimal()
        return int(self.value) if is_status and int(self.value) <= _LARGEST_STATUS else None


class Events:
    """The events of one guest, in order, as they come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._partial = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(descriptor, selectors.EVENT_READ)

    def until(self, deadline_s: float | None) -> Iterator[Event]:
        """Events until the guest's end, or until `deadline_s` (time.monotonic) has passed."""
        while self._is_readable(deadline_s):
            data = os.read(self._descriptor, 65536)
            if not data:
                return
            *lines, partial = (self._partial + data).split(b"\n")
            self._partial = partial[:_LINE_LIMIT_BYTES]
            yield from map(_parse, lines)

    def _is_readable(self, deadline_s: float | None) -> bool:
        timeout_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        return bool(self._selector.select(timeout_s))

    def close(self) -> None:
        self._selector.close()


def _parse(line: bytes) -> Event:
    name, _, value = line.decode(errors="replace").partition(" ")
    return Event(name, value)


@dataclass(frozen=True, slots=True)
class Session:
    """A guest that has been started, and what would start it by hand, ready to paste."""

    command: str
    process: subprocess.Popen[bytes]
    events: Events
    _signals: int  # where the guest reads them from

    def signal(self, number: int, pid: int = FIRST_PROCESS) -> None:
        """Send a signal to a process of the guest, as kill(2) would there. A guest that has not
        read some thousands of them gets no more."""
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._signals, f"{number} {pid}\n".encode())


@contextmanager
def start(guest: qemu.Guest, console: Sequence[str], errors: IO[bytes] | None) -> Iterator[Session]:
    """Boot `guest`; QEMU is ended when the block is left, however it is left."""
    tools.require(qemu.PROGRAM, package=qemu.PACKAGE)
    module = qemu.boot_module(guest.environment)
    with ExitStack() as open_descriptors:
        reading, events_of_guest = os.pipe()
        open_descriptors.callback(os.close, reading)
        signals_to_guest, writing = os.pipe()
        open_descriptors.callback(os.close, writing)
        os.set_blocking(writing, False)
        theirs = [events_of_guest, signals_to_guest]
        if guest.environment:
            theirs.append(_in_memory(module))
        command = qemu.command(guest, console, *(Path(f"/proc/self/fd/{fd}") for fd in theirs))
        try:
            process = tools.start(command, pass_descriptors=theirs, errors=errors)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        events = Events(reading)
        try:
            yield Session(qemu.by_hand(guest), process, events, writing)
        finally:
            events.close()
            tools.end(process)


def _in_memory(data: bytes) -> int:
    """A file without a name (memfd_create(2)); it is gone when the last who has it is."""
    with os.fdopen(os.memfd_create("module"), "wb") as file:
        file.write(data)
        file.flush()
        return os.dup(file.fileno())
