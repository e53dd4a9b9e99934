"""Secrets on a command line, and the command line without them.

An option tells of its value by its name (`--password=…`, `--requirepass …`), and what has a form is
told by that, also within the text that a shell is given (`sh -c "…"`). Options of one letter say
nothing of their value: `-a …` of redis-cli(1) is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .forms import search
from .names import MASK, reason
from .texts import is_stand_in

PLACE = "command line"
# `--name value` and `--name=value` in one word, as a shell is given them, and `NAME=value`.
_IN_WORD = re.compile(
    r"""(?:(?<![\w-])--?(?P<option>[A-Za-z_][\w.-]+)(?:=|[ \t]+(?!-))"""
    r"""|(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)=)"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s"';&|]+)"""
)
_OPTION = re.compile(r"--?(?P<name>[A-Za-z_][\w.-]+)")


@dataclass(frozen=True, slots=True)
class _Span:
    """A secret by its word and its place in that."""

    kind: str
    word: int
    start: int
    end: int


def values(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The kind and the value of each secret."""
    for span in _spans(argv):
        yield span.kind, argv[span.word][span.start : span.end]


def masked_words(argv: Sequence[str]) -> list[str]:
    """The command line as it may be shown."""
    shown = list(argv)
    for span in sorted(_spans(argv), key=lambda span: span.start, reverse=True):
        word = shown[span.word]
        shown[span.word] = word[: span.start] + MASK + word[span.end :]
    return shown


def _spans(argv: Sequence[str]) -> Iterator[_Span]:
    for index, word in enumerate(argv):
        before = _OPTION.fullmatch(argv[index - 1]) if index else None
        if before is not None and not word.startswith("-"):
            whole = _Span(f"a value named {before['name']}", index, 0, len(word))
            if _is_told(before["name"], word):
                yield whole
                continue
        yield from _in_word(index, word)


def _in_word(index: int, word: str) -> Iterator[_Span]:
    done: list[_Span] = []
    for match in _IN_WORD.finditer(word):
        name = match["option"] or match["name"]
        start, end = match.span("value")
        if word[start] in "\"'":
            start, end = start + 1, end - 1
        if _is_told(name, word[start:end]):
            done.append(_Span(f"a value named {name}", index, start, end))
    yield from done
    for span in _with_form(index, word):
        if not any(span.start < other.end and other.start < span.end for other in done):
            yield span


def _with_form(index: int, word: str) -> Iterator[_Span]:
    data = word.encode(errors="surrogateescape")
    for match in search(data):
        start, end = (
            len(data[:place].decode(errors="surrogateescape")) for place in (match.start, match.end)
        )
        yield _Span(match.kind, index, start, end)


def _is_told(name: str, value: str) -> bool:
    return reason(name, value) == "its name says so" and not is_stand_in(value)
