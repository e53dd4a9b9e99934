"""Boot a guest under QEMU and time its first answer. The same options for every guest.

QEMU's user-mode network accepts a connection before the guest does, and a connection made too
early waits for a retransmission: so a new one is opened every few milliseconds, the latest few
are kept, and the first that brings a whole HTTP 200 is the answer.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
STATIC_ADDRESS = "ip=10.0.2.15/24 gateway=10.0.2.2"

_ATTEMPT_EVERY_S = 0.005
_ATTEMPTS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Guest:
    """A kernel image to boot."""

    name: str
    kernel: Path
    command_line: str
    initramfs: Path | None = None


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[bytes]
    port: int
    began_s: float


class NoAnswerError(Exception):
    """The guest ended, or did not answer in time."""


def command(guest: Guest, memory_mb: int, port: int) -> list[str]:
    """PIT and PIC stay on: without them Linux finds no clock to calibrate by under TCG."""
    words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot"]
    words += ["-display", "none", "-serial", "stdio", "-accel", "tcg", "-cpu", "max,-erms"]
    words += ["-machine", "microvm,rtc=on,auto-kernel-cmdline=off", "-m", str(memory_mb)]
    words += ["-global", "virtio-mmio.force-legacy=false"]
    words += ["-netdev", f"user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:80"]
    words += ["-device", "virtio-net-device,netdev=net0"]
    words += ["-kernel", str(guest.kernel), "-append", guest.command_line]
    return words + (["-initrd", str(guest.initramfs)] if guest.initramfs else [])


@contextmanager
def boot(guest: Guest, memory_mb: int, console: Path) -> Iterator[Running]:
    """Start QEMU; it is ended when the block is left."""
    port = free_port()
    with console.open("wb") as output:
        began_s = time.monotonic()
        process = subprocess.Popen(
            command(guest, memory_mb, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Running(process, port, began_s)
        finally:
            process.kill()
            process.wait()


def first_answer_s(running: Running, timeout_s: float) -> float:
    """Seconds from the start of QEMU to the end of the first HTTP 200."""
    attempts = Attempts(running.port)
    next_attempt_s = 0.0
    try:
        while (now_s := time.monotonic()) < running.began_s + timeout_s:
            if running.process.poll() is not None:
                raise NoAnswerError(f"QEMU ended with status {running.process.returncode}")
            if now_s >= next_attempt_s:
                next_attempt_s = now_s + _ATTEMPT_EVERY_S
                attempts.begin()
            if attempts.is_answered_within(max(0.0, next_attempt_s - now_s)):
                return time.monotonic() - running.began_s
    finally:
        attempts.close()
    raise NoAnswerError(f"no answer within {timeout_s:g} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Attempts:
    """The latest connections, and what each has been answered so far.

    Connecting does not block: QEMU's backlog is one connection, and one that finds it full is
    begun again by the host's kernel only after a second.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._answers: dict[socket.socket, bytes] = {}
        self._selector = selectors.DefaultSelector()

    def begin(self) -> None:
        if len(self._answers) >= _ATTEMPTS_KEPT:
            self._give_up(next(iter(self._answers)))
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", self._port))
        self._answers[connection] = b""
        self._selector.register(connection, selectors.EVENT_WRITE)

    def is_answered_within(self, timeout_s: float) -> bool:
        """Whether one of them brings a whole HTTP 200."""
        for key, events in self._selector.select(timeout_s):
            assert isinstance(key.fileobj, socket.socket)
            try:
                if events & selectors.EVENT_WRITE:
                    self._ask(key.fileobj)
                elif self._read(key.fileobj):
                    return True
            except OSError:  # refused: QEMU does not listen yet; reset: the program does not
                self._give_up(key.fileobj)
        return False

    def close(self) -> None:
        for connection in list(self._answers):
            self._give_up(connection)
        self._selector.close()

    def _ask(self, connection: socket.socket) -> None:
        connection.sendall(REQUEST)
        self._selector.modify(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> bool:
        data = connection.recv(65536)
        self._answers[connection] += data
        if not data:
            self._give_up(connection)
            return False
        return _is_whole(self._answers[connection])

    def _give_up(self, connection: socket.socket) -> None:
        del self._answers[connection]
        self._selector.unregister(connection)
        connection.close()


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    named = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    lengths = [int(value) for name, _, value in named if name == b"content-length"]
    return head.startswith(b"HTTP/1.1 200") and lengths == [len(body)]
