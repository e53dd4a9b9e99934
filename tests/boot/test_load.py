"""Many connections, one after the other and at once: no error, and nothing left behind.

What is left is read from the kernel's own count when the program has exited: it must be the same
after ten thousand connections as after one.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dock2uk.verify import qemu, session
from tests.boot.served import FIXTURES, PATIENCE_S, ask_for_the_end
from tests.guests import fetch_when_ready, free_port

Bundles = Callable[[str], Path]

CONNECTIONS = 10_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """A guest under load, and the events it sends."""

    port: int
    events: session.Events

    def counts_at_exit(self) -> str:
        ask_for_the_end(self.port, "/exit/0")
        events = self.events.until(time.monotonic() + PATIENCE_S)
        return next(event.value for event in events if event.name == "counts")


@contextmanager
def guest(bundle: Path) -> Iterator[Loaded]:
    forward = qemu.Forward("127.0.0.1", free_port(), 80, "tcp")
    machine = qemu.Guest(bundle / "unikernel.elf", "microvm", "tcg", 128, (forward,))
    serial = ("-serial", f"file:{bundle / 'console-load'}")
    with session.start(machine, serial, errors=None) as running:
        fetch_when_ready(forward.host_port, PATIENCE_S)
        yield Loaded(forward.host_port, running.events)


@pytest.fixture(scope="module")
def counts_after_one(bundle: Bundles) -> str:
    with guest(bundle("static-c")) as loaded:
        return loaded.counts_at_exit()


def test_ten_thousand_connections_leave_nothing(bundle: Bundles, counts_after_one: str) -> None:
    with guest(bundle("static-c")) as loaded:
        assert connect_in_turn(loaded.port, FIXTURES["static-c"]) == CONNECTIONS
        assert loaded.counts_at_exit() == counts_after_one


def test_wrk_sees_no_error_and_leaves_nothing(bundle: Bundles, counts_after_one: str) -> None:
    with guest(bundle("static-c")) as loaded:
        assert_wrk_is_served(loaded.port)
        assert loaded.counts_at_exit() == counts_after_one


def test_nginx_under_load(bundle: Bundles) -> None:
    with guest(bundle("nginx")) as loaded:
        assert connect_in_turn(loaded.port, FIXTURES["nginx"]) == CONNECTIONS
        assert_wrk_is_served(loaded.port)


def connect_in_turn(port: int, page: bytes) -> int:
    """How many of CONNECTIONS connections, each with one request, were answered in full."""
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    served = 0
    for _ in range(CONNECTIONS):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        served += answer.startswith(b"HTTP/1.1 200") and answer.endswith(page)
    return served


def assert_wrk_is_served(port: int) -> None:
    command = ["wrk", "-t1", "-c256", "-d10s", "--timeout", "10s", f"http://127.0.0.1:{port}/"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Socket errors" not in shown, shown
    assert "Non-2xx" not in shown, shown
    rate = re.search(r"(\d+) requests in", shown)
    assert rate is not None, shown
    assert int(rate[1]) > 256, shown
