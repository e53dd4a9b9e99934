"""compare: the questions that the booted guest was asked, put to the container as well.

The container runs as the image has it, in the engine of this machine that holds the image; where
there is none, the answers were not compared, and that is said. Each question is put twice, in two
different seconds: what the container itself does not say the same twice is not compared.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Sequence

from .. import probes
from ..engines import available
from ..errors import Dock2ukError
from ..model import (
    Answer,
    BootResult,
    Comparison,
    Image,
    Overrides,
    Probe,
    Question,
    QuestionKind,
)
from .container import Container, running
from .differences import compared

__all__ = ["compare"]

_READY_S = 30.0
_RETRY_S = 0.1
_OWN_S = 1.0
_EMPTY = "without a byte"  # the end of what probes say of a connection that was closed at once
_APART_S = 1.1  # times in answers, of which Date is one, have seconds


def compare(image: Image, asked: Overrides, boot: BootResult) -> Comparison:
    """Never an error: a container that cannot be asked is a reason."""
    found = tuple(one for one in boot.probes if one.question.kind is not QuestionKind.RUN)
    if not found:
        return Comparison("no port leads to the program: there is nothing to ask")
    reasons = []
    for engine in available():
        try:
            with running(engine, image, asked, _ports(found)) as container:
                first, second = _twice(container, [one.question for one in found])
                rows = zip(found, first, second, strict=True)
                return Comparison("", tuple(compared(*row) for row in rows))
        except Dock2ukError as problem:
            reasons.append(problem.message)
    return Comparison("; ".join(dict.fromkeys(reasons)))


def _ports(found: Sequence[Probe]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one.question.port for one in found if one.question.port))


def _twice(
    container: Container, questions: Sequence[Question]
) -> tuple[list[Answer], list[Answer]]:
    deadline_s = time.monotonic() + _READY_S
    first = [_patiently(one, container, deadline_s) for one in questions]
    time.sleep(_APART_S)
    return first, [_asked(one, container) for one in questions]


def _patiently(question: Question, container: Container, deadline_s: float) -> Answer:
    """An engine accepts connections before the program does: such an answer is none yet."""
    while True:
        answer = probes.ask(question, container.addresses)
        is_empty = answer.said.endswith(_EMPTY)
        is_early = not answer.is_passed or (is_empty and not _accepts(container, question.port))
        if not is_early or time.monotonic() > deadline_s:
            return _of_program(answer, question, container)
        time.sleep(_RETRY_S)


def _asked(question: Question, container: Container) -> Answer:
    return _of_program(probes.ask(question, container.addresses), question, container)


def _of_program(answer: Answer, question: Question, container: Container) -> Answer:
    """What the program says: an engine's proxy accepts for ports that nothing in the container
    listens on, and hangs up at once."""
    if answer.said.endswith(_EMPTY) and _refuses(container, question.port):
        said = "no answer: nothing listens in the container, the engine's proxy hung up"
        return Answer(said, is_passed=False)
    return answer


def _accepts(container: Container, port: int | None) -> bool:
    """Whether the program itself takes connections; False also where its address leads nowhere, as
    from outside the machine that the engine has for its containers."""
    return _connected(container, port) == 0


def _refuses(container: Container, port: int | None) -> bool:
    """Whether its own address says that nothing listens; that it leads nowhere says nothing."""
    return _connected(container, port) == errno.ECONNREFUSED


def _connected(container: Container, port: int | None) -> int | None:
    """0 or the error's number; None where there is no address, or no number for what happened."""
    if container.own_address is None or port is None:
        return None
    try:
        socket.create_connection((container.own_address, port), timeout=_OWN_S).close()
    except OSError as problem:
        return problem.errno
    return 0
