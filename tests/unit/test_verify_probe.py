"""The probe, against servers of a few lines on loopback."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dock2uk.model import Probe
from dock2uk.verify import probe


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Serves one connection with `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join(timeout=10)


def probe_of(data: bytes) -> Probe:
    with server(lambda connection: connection.sendall(data)) as address:
        return probe.fetch("80/tcp", address, "localhost")


def test_a_page_passes_with_its_length_and_digest() -> None:
    found = probe_of(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    digest = hashlib.sha256(b"hello").hexdigest()
    assert found.answer == f"status 200, body of 5 bytes, sha256 {digest}"
    assert found.is_passed


@pytest.mark.parametrize(
    ("data", "is_passed", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False, "body of 0 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", False, "ends after 5 bytes"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", True, "status 404"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\n\r\nx", False, "status 502"),
        (b"HTTP/garbage\r\n\r\n", False, "broken HTTP"),
        (b"-ERR unknown command\r\n", True, "not HTTP"),
        (b"", True, "closed without a byte"),
    ],
)
def test_verdicts(data: bytes, is_passed: bool, words: str) -> None:
    found = probe_of(data)
    assert words in found.answer
    assert found.is_passed is is_passed


def test_no_answer_in_time_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_TIMEOUT_S", 0.2)
    release = threading.Event()
    with server(lambda _: release.wait(10) and None) as address:
        found = probe.fetch("80/tcp", address, "localhost")
        release.set()
    assert not found.is_passed
    assert "timed out" in found.answer


def test_a_reset_fails() -> None:
    def reset(connection: socket.socket) -> None:
        linger_on_and_zero = b"\1\0\0\0\0\0\0\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_on_and_zero)

    with server(reset) as address:
        assert not probe.fetch("80/tcp", address, "localhost").is_passed
