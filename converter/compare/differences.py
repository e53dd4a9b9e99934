"""What two answers have to be equal in: HTTP's status, headers and body, else what was said."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Answer, Compared, Probe, QuestionKind

_SHOWN_CHARACTERS = 80
_NOTHING = "none"


def compared(probe: Probe, first: Answer, second: Answer) -> Compared:
    """The guest's answer beside the container's two."""
    kind = probe.question.kind
    if kind is not QuestionKind.EXEC and _are_silent(probe.answer, first, second):
        return Compared(probe.question, (), ())
    mine, once, twice = (_aspects(kind, answer) for answer in (probe.answer, first, second))
    names = dict.fromkeys((*twice, *once, *mine))
    varying = tuple(name for name in names if once.get(name) != twice.get(name))
    differing = (name for name in names if mine.get(name) != twice.get(name))
    return Compared(
        probe.question,
        tuple(_said(name, twice, mine) for name in differing if name not in varying),
        varying,
    )


def _are_silent(guest: Answer, *container: Answer) -> bool:
    """Whether nobody is there on either side. What forwards to the guest accepts for it, as an
    engine's proxy does: a connection that it closes at once is no sign of a program."""
    is_heard = guest.is_passed and not guest.said.endswith("without a byte")
    return not is_heard and not any(answer.is_passed for answer in container)


def _aspects(kind: QuestionKind, answer: Answer) -> Mapping[str, str]:
    if kind is QuestionKind.EXEC:
        return {"command": "passed" if answer.is_passed else "failed"}
    response = answer.response
    if response is None:
        return {"answer": answer.said}
    headers: dict[str, str] = {}
    for name, value in response.headers:
        key = f"header {name.lower()}"
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    body = f"{response.body_bytes} bytes, sha256 {response.body_sha256[:16]}"
    return {"status": str(response.status), **headers, "body": body}


def _said(name: str, container: Mapping[str, str], guest: Mapping[str, str]) -> str:
    theirs, mine = (one.get(name, _NOTHING)[:_SHOWN_CHARACTERS] for one in (container, guest))
    return f"{name}: {theirs} in the container, {mine} in the unikernel"
