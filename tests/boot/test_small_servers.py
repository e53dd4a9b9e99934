"""The two smallest servers of this field, each asked as its protocol has it."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.boot.served import get, run, run_on

Bundles = Callable[[str], Path]
A, AAAA, IN = 1, 28, 1
NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 3, 4, 5


def test_pages_come_from_memory(bundle: Bundles) -> None:
    with run(bundle("http-memory")) as served:
        page = get(served)
        assert (page.status, page.body[:15]) == (200, b"<!DOCTYPE html>")
        head = get(served, "/", "HEAD")
        assert (head.headers, head.body) == (page.headers, b"")
        assert get(served, "/health").body == b"ok\n"
        assert get(served, "/none").status == 404
        assert get(served, "/", "POST").status == 501
        assert raw(served.port, b"GET /\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        closing = b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: Close\r\n\r\n"
        assert raw(served.port, closing).endswith(b"\r\n\r\nok\n")


def raw(port: int, request: bytes) -> bytes:
    """All that is answered until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_a_connection_is_kept_and_requests_may_come_at_once(bundle: Bundles) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    with run(bundle("http-memory")) as served:
        get(served)
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
            for sent in (request, request[:9], request[9:] + request):
                connection.sendall(sent)
                time.sleep(0.1)
            connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answers = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b"\r\n\r\nok\n") == 4


@contextmanager
def resolver(bundle: Bundles) -> Iterator[Callable[[bytes], bytes]]:
    """Sends one datagram and gives what comes back, once the guest is there."""
    with (
        run_on(53, bundle("dns-udp"), protocol="udp") as served,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
    ):
        asking.connect(("127.0.0.1", served.port))
        asking.settimeout(0.5)

        def ask(message: bytes) -> bytes:
            for _ in range(60):
                try:
                    asking.send(message)
                    while (answer := asking.recv(512))[:2] != message[:2]:
                        pass  # of an attempt before
                    return answer
                except (TimeoutError, ConnectionRefusedError):
                    time.sleep(0.05)
            raise TimeoutError("the guest does not answer")

        yield ask


def query(number: int, name: str, kind: int = A, flags: int = 0x0100) -> bytes:
    """RFC 1035 § 4.1."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    header = struct.pack(">6H", number, flags, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack(">2H", kind, IN)


def verdict(answer: bytes) -> tuple[int, int]:
    """Response code, and how many answers."""
    _, flags, _, answers, _, _ = struct.unpack_from(">6H", answer)
    assert flags & 0x8000
    return flags & 0xF, answers


def test_names_are_looked_up(bundle: Bundles) -> None:
    with resolver(bundle) as ask:
        answer = ask(query(1, "www.Example.test"))
        assert verdict(answer) == (NOERROR, 2)
        assert answer.endswith(bytes([192, 0, 2, 81]))
        assert bytes([192, 0, 2, 80]) in answer
        assert verdict(ask(query(2, "example.test"))) == (NOERROR, 1)
        assert verdict(ask(query(3, "example.test", AAAA))) == (NOERROR, 0)
        assert verdict(ask(query(4, "none.example.test"))) == (NXDOMAIN, 0)
        assert verdict(ask(query(5, "example.test", flags=0x1100))) == (NOTIMP, 0)
        assert verdict(ask(query(8, "example.org"))) == (REFUSED, 0)
        assert verdict(ask(query(9, "an-example.test"))) == (REFUSED, 0)
        dotted = query(10, "www-example.test").replace(b"www-example", b"www.example")
        assert verdict(ask(dotted)) == (REFUSED, 0)
        assert verdict(ask(query(11, "example.test", kind=A)[:-2] + b"\1\1")) == (NOERROR, 0)
        assert verdict(ask(query(6, "example.test")[:-3])) == (FORMERR, 0)
        assert verdict(ask(struct.pack(">6H", 7, 0, 0, 0, 0, 0))) == (FORMERR, 0)
