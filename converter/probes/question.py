"""`--probe`: what to ask, as the user writes it; and what is asked where nothing is written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..errors import Dock2ukError
from ..model import Question, QuestionKind

_HINT = "write http://:80/path, http://name:80/path, tcp:6379 or exec:./smoke.sh"
_LARGEST_PORT = 65535
_HTTP_PORT = 80
# RFC 3986 § 2: anything else would be more than one line, or no path.
_PATH = re.compile(r"[!-~]*")


def parse(text: str) -> Question:
    """One `--probe`; Dock2ukError where it cannot be understood."""
    kind, separator, rest = text.partition(":")
    if separator and kind == "http":
        return _http(text)
    if separator and kind == "tcp":
        return Question(QuestionKind.TCP, text, _port(text, rest))
    if separator and kind == "exec":
        return _exec(text, rest)
    if kind == "https":
        hint = "no TLS is spoken here; write exec: with a program that does, such as curl"
        raise Dock2ukError(f"not a probe: {text}", hint=hint)
    raise Dock2ukError(f"not a probe: {text}", hint=_HINT)


def covering(questions: Sequence[Question], ports: Sequence[str]) -> tuple[Question, ...]:
    """These, and `/` over HTTP of each exposed TCP port ("80/tcp") that none of them asks;
    Dock2ukError for commands where no port leads to the program."""
    asked = {question.port for question in questions}
    numbers = (int(port.partition("/")[0]) for port in ports if port.endswith("/tcp"))
    every = (*questions, *(_page(number) for number in numbers if number not in asked))
    if every and not any(question.port for question in every):
        problem = f"{every[0].text}: no port leads to the program"
        raise Dock2ukError(problem, hint="the image exposes none: add --probe tcp:PORT")
    return every


def _page(port: int) -> Question:
    return Question(QuestionKind.HTTP, f"http://:{port}/", port)


def _http(text: str) -> Question:
    try:
        parts = urlsplit(text)
        port = parts.port or _HTTP_PORT
    except ValueError as problem:
        raise Dock2ukError(f"not a probe: {text}: {problem}", hint=_HINT) from problem
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    is_plain = not (parts.username or parts.password or parts.fragment)
    if not is_plain or not _PATH.fullmatch(path) or text.startswith("http:///"):
        raise Dock2ukError(f"not a probe: {text}", hint=_HINT)
    return Question(QuestionKind.HTTP, text, port, path=path, host=parts.hostname or "localhost")


def _port(text: str, number: str) -> int:
    digits = number.removeprefix("//").removeprefix(":")
    is_port = digits.isascii() and digits.isdecimal() and 0 < int(digits) <= _LARGEST_PORT
    if not is_port:
        raise Dock2ukError(f"not a probe: {text}: {number!r} is no port", hint=_HINT)
    return int(digits)


def _exec(text: str, words: str) -> Question:
    try:
        command = tuple(shlex.split(words))
    except ValueError as problem:
        raise Dock2ukError(f"not a probe: {text}: {problem}", hint=_HINT) from problem
    if not command:
        raise Dock2ukError(f"not a probe: {text}: no command", hint=_HINT)
    return Question(QuestionKind.EXEC, text, command=command)
