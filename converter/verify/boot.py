"""verify: boots the image once and asks it questions: the user's, and a page of each port that it
exposes and no question is about.

A program with TCP ports passes when every one of them listens and every question is answered (see
`probes`). One without passes when it ends with status 0, or is still running after a while. UDP
ports are not asked: nothing is known of what they speak.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from .. import probes, tools
from ..errors import VerificationError
from ..model import Answer, Artifact, BootResult, Probe, Question, QuestionKind
from ..printable import quoted
from . import accelerator, qemu, session

_DEADLINE_S = 60.0
_STILL_RUNNING_S = 10.0
_CONSOLE_TAIL_LINES = 30
_MOST_LEFT_OUT = 5  # that a hint names
_TICK_S = 0.02
_RUN = Question(QuestionKind.RUN, "run")


@dataclass(frozen=True, slots=True)
class Options:
    """How to boot for verification; the machine's default is the image's first."""

    memory_mb: int
    machine: str | None = None
    accelerator: str = "auto"
    deadline_s: float = _DEADLINE_S
    kernel_words: tuple[str, ...] = ()
    watch: Callable[[str, str], None] | None = None  # is told every event: name and value


def boot_and_probe(
    artifact: Artifact, questions: Sequence[Question], options: Options
) -> BootResult:
    """Boot `artifact`, ask the questions, end it. A failing guest is a result, not an exception."""
    ports = tuple(dict.fromkeys(question.port for question in questions if question.port))
    guest = qemu.Guest(
        image=artifact.path,
        machine=options.machine or artifact.match.machines[0],
        accelerator=accelerator.choose(options.accelerator).accelerator,
        memory_mb=options.memory_mb,
        forwards=_free_forwards(ports),
        kernel_words=options.kernel_words,
    )
    with tempfile.NamedTemporaryFile("rb") as console:
        serial = ("-serial", f"file:{console.name}")
        began_s = time.monotonic()
        with session.start(guest, serial, errors=None) as running:
            outcome = _Outcome(guest, running, began_s)
            found = outcome.ask(questions, options) if ports else (outcome.wait(options),)
        text = _text(console)
    return BootResult(
        machine=guest.machine,
        accelerator=guest.accelerator,
        command=qemu.by_hand(replace(guest, image=Path(guest.image.name))),
        boot_ms=outcome.first_answer_ms,
        probes=found,
        console=text,
        is_passed=all(probe.answer.is_passed for probe in found),
        missed_system_calls=tuple(outcome.missed_system_calls),
    )


def _told(left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    more = f" and {len(left_out) - _MOST_LEFT_OUT} more" if len(left_out) > _MOST_LEFT_OUT else ""
    return f"--bake, for {', '.join(left_out[:_MOST_LEFT_OUT])}{more} was left out; "


def require_passed(result: BootResult, left_out: Sequence[str] = ()) -> None:
    """Raise when `result` is no pass, with each reason and the end of the console; `left_out` is
    what start-up made and the unikernel was not given, which may be why."""
    if result.is_passed:
        return
    failed = [
        f"{probe.question.text}: {probe.answer.said}"
        for probe in result.probes
        if not probe.answer.is_passed
    ]
    tail = quoted("\n".join(result.console.splitlines()[-_CONSOLE_TAIL_LINES:]))
    raise VerificationError(
        f"the image did not pass verification: {'; '.join(failed)}\n"
        f"command: {result.command}\nend of the console:\n{tail or '(it said nothing)'}",
        hint=f"{_told(left_out)}the bundle is kept; `dock2uk run` boots it as it is",
    )


class _Outcome:
    """What comes of one boot. Events are consumed once, in order."""

    def __init__(self, guest: qemu.Guest, running: session.Session, began_s: float) -> None:
        self._guest = guest
        self._running = running
        self._began_s = began_s
        self.first_answer_ms = 0.0
        self.missed_system_calls: list[str] = []

    def ask(self, questions: Sequence[Question], options: Options) -> tuple[Probe, ...]:
        """Each question once its port listens, commands when all do; those that were never asked
        fail with the reason. Events are read meanwhile: a guest waits for who does not read."""
        waiting = {forward.guest_port for forward in self._guest.forwards}
        asked: dict[Question, Future[Answer]] = {}
        ending = "the guest ended"
        with ThreadPoolExecutor(max_workers=1) as asking:
            for event in self._events_or_ticks(options):
                if event is None and len(asked) == len(questions) and _are_done(asked):
                    break
                if event is not None and event.name in ("exit", "panic"):
                    ending = f"the guest ended first: {event.name} {event.value}"
                waiting.discard(_port_of(event))
                for one in _askable(questions, waiting):
                    if one not in asked:
                        asked[one] = asking.submit(self._asked, one)
            else:
                if tools.wait(self._running.process, 0.1) is None:
                    ending = f"nothing listened within {options.deadline_s:g} s"
            answers = {one: answer.result() for one, answer in asked.items()}
        failure = Answer(ending, is_passed=False)
        return tuple(Probe(one, answers.get(one, failure)) for one in questions)

    def wait(self, options: Options) -> Probe:
        """For a program without ports."""
        status: str | None = None
        for event in self._events(min(_STILL_RUNNING_S, options.deadline_s), options):
            if event.name in ("exit", "panic"):
                status = f"{event.name} {event.value}"
        self._note_answer()
        if status is None:
            return Probe(_RUN, self._without_status())
        return Probe(_RUN, Answer(status, is_passed=status == "exit 0"))

    def _events_or_ticks(self, options: Options) -> Iterator[session.Event | None]:
        """Events until the guest's end or the deadline; None where there is none for a while."""
        while time.monotonic() < self._began_s + options.deadline_s:
            yield from self._events(time.monotonic() - self._began_s + _TICK_S, options)
            has_ended = self._running.process.poll() is not None
            yield None
            if has_ended:
                yield from self._events(options.deadline_s, options)
                return

    def _events(self, deadline_s: float, options: Options) -> Iterator[session.Event]:
        for event in self._running.events.until(self._began_s + deadline_s):
            if options.watch is not None:
                options.watch(event.name, event.value)
            if event.name == "enosys":
                self.missed_system_calls.append(event.value)
            yield event

    def _without_status(self) -> Answer:
        if tools.wait(self._running.process, 0.1) is None:
            return Answer(f"still running after {_STILL_RUNNING_S:g} s", is_passed=True)
        return Answer("the guest ended without a status", is_passed=False)

    def _asked(self, question: Question) -> Answer:
        places = {one.guest_port: (one.address, one.host_port) for one in self._guest.forwards}
        answer = probes.ask(question, places)
        self._note_answer()
        return answer

    def _note_answer(self) -> None:
        if not self.first_answer_ms:
            self.first_answer_ms = (time.monotonic() - self._began_s) * 1000


def _askable(questions: Sequence[Question], waiting: Collection[int]) -> Iterator[Question]:
    """Those whose port listens; commands when every port does."""
    return (one for one in questions if one.port not in waiting and (one.port or not waiting))


def _are_done(asked: Mapping[Question, Future[Answer]]) -> bool:
    return all(answer.done() for answer in asked.values())


def _port_of(event: session.Event | None) -> int:
    """The TCP port that listens now; 0 for other events."""
    if event is None:
        return 0
    number, _, protocol = event.value.partition("/")
    is_ready = event.name == "ready" and protocol == "tcp" and number.isdecimal()
    return int(number) if is_ready else 0


def _free_forwards(ports: Sequence[int]) -> tuple[qemu.Forward, ...]:
    """Each port behind one of the host that nothing uses at the moment."""
    with ExitStack() as listening:
        servers = [listening.enter_context(socket.create_server((qemu.LOOPBACK, 0))) for _ in ports]
        numbers = [server.getsockname()[1] for server in servers]
    return tuple(
        qemu.Forward(qemu.LOOPBACK, number, port, "tcp")
        for number, port in zip(numbers, ports, strict=True)
    )


def _text(console: IO[bytes]) -> str:
    return Path(console.name).read_text(errors="replace")
