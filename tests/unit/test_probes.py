"""Questions: what is written, what is asked where nothing is, and answers of servers of a few lines
on loopback."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.model import Answer, Question, QuestionKind
from dock2uk.probes import ask, covering, parse
from tests import values

PAGE = parse("http://:80/")


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


def answer_to(question: Question, data: bytes) -> Answer:
    with server(lambda connection: connection.sendall(data)) as address:
        return ask(question, {80: address})


def test_a_page_passes_with_its_length_and_digest() -> None:
    found = answer_to(PAGE, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    digest = hashlib.sha256(b"hello").hexdigest()
    assert found.said == f"status 200, body of 5 bytes, sha256 {digest}"
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
    found = answer_to(PAGE, data)
    assert words in found.said
    assert found.is_passed is is_passed


def test_no_answer_in_time_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dock2uk.probes.answers._TIMEOUT_S", 0.2)
    release = threading.Event()
    with server(lambda _: release.wait(10) and None) as address:
        found = ask(PAGE, {80: address})
        release.set()
    assert not found.is_passed
    assert "timed out" in found.said


def test_a_reset_fails() -> None:
    def reset(connection: socket.socket) -> None:
        linger_on_and_zero = b"\1\0\0\0\0\0\0\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_on_and_zero)

    with server(reset) as address:
        assert not ask(PAGE, {80: address}).is_passed


def test_a_response_is_kept_whole() -> None:
    data = b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\nX-Two: 2\r\n\r\nhi"
    response = answer_to(PAGE, data).response
    assert response is not None
    assert (response.status, response.body_bytes) == (200, 2)
    assert response.headers == (("X-One", "1"), ("Content-Length", "2"), ("X-Two", "2"))


def test_the_path_and_the_host_are_asked_for() -> None:
    asked = []

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(4096))
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        question = parse("http://web.test:8080/a?b=c")
        assert ask(question, {8080: listener.getsockname()}).said.startswith("status 204")
        thread.join(timeout=10)
    assert asked[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: web.test\r\n")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("http://:80/", Question(QuestionKind.HTTP, "http://:80/", 80)),
        ("http://:8080", Question(QuestionKind.HTTP, "http://:8080", 8080)),
        ("http://a.b/c?d", Question(QuestionKind.HTTP, "http://a.b/c?d", 80, "/c?d", "a.b")),
        ("tcp:6379", Question(QuestionKind.TCP, "tcp:6379", 6379)),
        ("tcp://:6379", Question(QuestionKind.TCP, "tcp://:6379", 6379)),
        (
            "exec:./a 'b c'",
            Question(QuestionKind.EXEC, "exec:./a 'b c'", command=("./a", "b c")),
        ),
    ],
)
def test_what_is_written(text: str, question: Question) -> None:
    assert parse(text) == question


@pytest.mark.parametrize(
    "text",
    [
        *("", "80", "ftp:1", "tcp:", "tcp:0", "tcp:65536", "tcp:²", "tcp:a", "http:///x", "exec:"),
        *("http://:99999/", "http://:80/a b", "http://u:p@h/", "exec:'", "https://:443/"),
    ],
)
def test_a_mistake_is_met_with_how_to_write_it(text: str) -> None:
    with pytest.raises(Dock2ukError, match="not a probe") as caught:
        parse(text)
    assert "exec:" in str(caught.value.hint)


def test_a_port_that_nothing_was_seen_listening_on_is_not_asked() -> None:
    served = values.entrypoint(
        ports=("80/tcp", "9999/tcp", "5000/tcp"),
        listening=("tcp 0.0.0.0:80", "tcp [::]:80", "tcp 127.0.0.1:5000", "unix /run/x.sock"),
    )
    assert served.asked_ports == ("80/tcp",)
    assert values.entrypoint(ports=("80/tcp",), listening=()).asked_ports == ("80/tcp",)


def test_a_page_is_asked_of_each_port_without_a_question() -> None:
    tcp = parse("tcp:6379")
    asked = covering((tcp,), ("80/tcp", "53/udp", "6379/tcp"))
    assert asked == (tcp, parse("http://:80/"))
    assert covering((), ()) == ()
    with pytest.raises(Dock2ukError, match="no port leads to the program"):
        covering((parse("exec:true"),), ("53/udp",))


def test_a_connection_is_enough_for_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dock2uk.probes.answers._BANNER_S", 0.1)
    question = parse("tcp:80")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert ask(question, {80: listener.getsockname()}).said == "connection open"
        address = listener.getsockname()
    assert not ask(question, {80: address}).is_passed


def test_a_command_finds_the_ports_and_its_status_is_the_answer() -> None:
    places = {80: ("127.0.0.1", 1234), 81: ("127.0.0.1", 1235)}
    script = "echo $DOCK2UK_HOST $DOCK2UK_PORT $DOCK2UK_PORT_80 $DOCK2UK_PORT_81; exit 3"
    found = ask(parse(f"exec:sh -c '{script}'"), places)
    assert found == Answer("status 3: 127.0.0.1 1234 1234 1235", is_passed=False)
    assert ask(parse("exec:true"), places) == Answer("status 0", is_passed=True)
    assert "cannot execute" in ask(parse("exec:/no/such"), places).said


def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dock2uk.probes.answers._EXEC_TIMEOUT_S", 0.2)
    found = ask(parse("exec:sh -c 'sleep 100 & sleep 100'"), {80: ("127.0.0.1", 1)})
    assert "took more than" in found.said
