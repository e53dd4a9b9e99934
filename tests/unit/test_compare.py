"""What is compared of two answers, and what the container is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest

from dock2uk import compare as comparing
from dock2uk.compare import compare, container
from dock2uk.compare.differences import compared
from dock2uk.engines import DOCKER
from dock2uk.errors import SourceError
from dock2uk.model import Answer, BootResult, Overrides, Probe, Question, QuestionKind, Response
from dock2uk.probes import parse
from tests.values import image

PAGE = parse("http://:80/")


def page(status: int = 200, body: str = "0" * 64, size: int = 9, **headers: str) -> Answer:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(f"status {status}", True, Response(status, named, size, body))


def test_the_same_is_no_difference_whatever_the_case_and_the_order() -> None:
    mine, theirs = page(A="1", server="x"), page(Server="x", a="1")
    assert compared(Probe(PAGE, mine), theirs, theirs).differences == ()


def test_status_headers_and_body_are_told() -> None:
    mine = page(404, "1" * 64, 3, Server="x")
    theirs = page(Server="y", ETag="z")
    assert compared(Probe(PAGE, mine), theirs, theirs).differences == (
        "status: 200 in the container, 404 in the unikernel",
        "header server: y in the container, x in the unikernel",
        "header etag: z in the container, none in the unikernel",
        f"body: 9 bytes, sha256 {'0' * 16} in the container, "
        f"3 bytes, sha256 {'1' * 16} in the unikernel",
    )


def test_what_the_container_does_not_say_twice_is_not_compared() -> None:
    found = compared(Probe(PAGE, page(Date="3")), page(Date="1"), page(Date="2"))
    assert found.differences == ()
    assert found.varying == ("header date",)


def test_a_header_that_comes_twice_is_compared_whole() -> None:
    response = Response(200, (("Via", "a"), ("via", "b")), 0, "")
    twice = Answer("", True, response)
    once = page(via="a, b", size=0, body="")
    assert compared(Probe(PAGE, once), twice, twice).differences == ()


def test_other_answers_are_compared_by_what_was_said_and_commands_by_success() -> None:
    closed = Answer("connection accepted and closed without a byte", is_passed=True)
    silent = Answer("connection open", is_passed=True)
    tcp = compared(Probe(parse("tcp:1"), closed), silent, silent)
    assert tcp.differences == (
        "answer: connection open in the container, "
        "connection accepted and closed without a byte in the unikernel",
    )
    passed, failed = (
        Answer("status 0", is_passed=True),
        Answer("status 1: took 3.1 s", is_passed=False),
    )
    again = Answer("status 1: took 4.2 s", is_passed=False)
    command = parse("exec:./smoke.sh")
    assert compared(Probe(command, again), failed, failed).differences == ()
    assert compared(Probe(command, passed), failed, again).differences == (
        "command: failed in the container, passed in the unikernel",
    )


class FakeEngine:
    """The calls that are made of docker's client, and nothing more."""

    def __init__(self, ports: dict[str, Any] | None = None, *, has_image: bool = True) -> None:
        self.created: dict[str, Any] = {}
        self.done: list[str] = []
        self.ports = ports if ports is not None else {"80/tcp": [{"HostPort": "4321"}]}
        self.has_image = has_image
        self.networks = SimpleNamespace(create=self._network)
        self.images = SimpleNamespace(get=self._image)
        self.containers = SimpleNamespace(create=self._create)

    def _network(self, name: str) -> Any:
        return SimpleNamespace(name=name, remove=lambda: self.done.append("network removed"))

    def _image(self, name: str) -> None:
        if not self.has_image:
            raise docker.errors.ImageNotFound(name)

    def _create(self, name: str, command: Any, **options: Any) -> Any:
        self.created = {"image": name, "command": command, **options}
        attributes = {"NetworkSettings": {"Ports": self.ports}, "State": {"ExitCode": 3}}

        def remove(**how: Any) -> None:
            self.done.append(f"container removed {how}")

        return SimpleNamespace(
            attrs=attributes, start=lambda: None, reload=lambda: None, remove=remove
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeEngine]:
    def make(**how: Any) -> FakeEngine:
        fake = FakeEngine(**how)

        @contextmanager
        def connected(_: Any) -> Iterator[FakeEngine]:
            yield fake

        monkeypatch.setattr(container, "connected", connected)
        monkeypatch.setattr(comparing, "available", lambda: [DOCKER])
        return fake

    return make


def test_the_container_is_told_what_the_conversion_was(engine: Callable[..., FakeEngine]) -> None:
    fake = engine()
    asked = Overrides(entrypoint=(), cmd=("a", "b"), env=("X=1",), user="1", workdir="/w")
    with container.running(DOCKER, image(), asked, (80,)) as started:
        assert started.addresses == {80: ("127.0.0.1", 4321)}
        assert not fake.done
    assert fake.created["image"] == image().digest
    assert fake.created["command"] == ["a", "b"]
    assert fake.created["entrypoint"] == [""]
    assert fake.created["environment"] == ["X=1"]
    assert (fake.created["user"], fake.created["working_dir"]) == ("1", "/w")
    assert fake.created["ports"] == {"80/tcp": ("127.0.0.1", None)}
    assert fake.done == ["container removed {'force': True, 'v': True}", "network removed"]


def test_nothing_is_left_when_the_block_is_interrupted(engine: Callable[..., FakeEngine]) -> None:
    fake = engine()
    with (
        pytest.raises(KeyboardInterrupt),
        container.running(DOCKER, image(), Overrides(), (80,)),
    ):
        raise KeyboardInterrupt
    assert len(fake.done) == 2
    assert "entrypoint" not in fake.created


def test_a_container_that_ended_publishes_nothing(engine: Callable[..., FakeEngine]) -> None:
    fake = engine(ports={})
    with (
        pytest.raises(SourceError, match="the container ended with status 3"),
        container.running(DOCKER, image(), Overrides(), (80,)),
    ):
        pass
    assert len(fake.done) == 2


def booted(*probes: Probe) -> BootResult:
    return BootResult("microvm", "tcg", "", 0.0, probes, "", is_passed=True)


def test_where_there_is_nothing_to_compare_with_it_is_said(
    engine: Callable[..., FakeEngine],
) -> None:
    engine(has_image=False)
    found = compare(image(), Overrides(), booted(Probe(PAGE, page())))
    assert found.reason == "the Docker daemon does not have the image"
    run = Probe(Question(QuestionKind.RUN, "run"), Answer("exit 0", is_passed=True))
    assert "nothing to ask" in compare(image(), Overrides(), booted(run)).reason


def test_the_container_is_asked_until_it_answers(
    engine: Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine()
    early = Answer("connection accepted and closed without a byte", is_passed=True)
    answers = iter([early, early, page(), page()])
    monkeypatch.setattr(comparing.probes, "ask", lambda *_: next(answers))
    monkeypatch.setattr(comparing, "_APART_S", 0.0)
    found = compare(image(), Overrides(), booted(Probe(PAGE, page())))
    assert found.compared[0].differences == ()
    assert next(answers, None) is None


def test_a_port_that_only_the_engine_s_proxy_opens_is_not_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = parse("tcp:1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        asked = Question(question.kind, question.text, port=port)
        started = container.Container({port: ("127.0.0.1", port)}, "127.0.0.1")
        empty = Answer("connection accepted and closed without a byte", is_passed=True)
        monkeypatch.setattr(comparing.probes, "ask", lambda *_: empty)
        assert comparing._patiently(asked, started, 0.0) == empty
    refused = comparing._patiently(asked, started, 0.0)
    assert not refused.is_passed
    assert "nothing listens in the container" in refused.said
    assert comparing._asked(asked, started) == refused
    nowhere = container.Container({port: ("127.0.0.1", port)})
    assert comparing._patiently(asked, nowhere, 0.0) == empty


def test_where_nobody_listens_on_either_side_there_is_no_difference() -> None:
    none = Answer("no answer: nothing listens in the container", is_passed=False)
    closed = Answer("connection accepted and closed without a byte", is_passed=True)
    reset = Answer("no answer: connection reset", is_passed=False)
    for mine in (closed, reset):
        assert compared(Probe(parse("tcp:1"), mine), none, none).differences == ()
    heard = Answer("connection open", is_passed=True)
    assert compared(Probe(parse("tcp:1"), heard), none, none).differences
    assert compared(Probe(parse("tcp:1"), reset), heard, heard).differences
