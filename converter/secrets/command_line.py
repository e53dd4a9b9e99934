"""Secrets on a command line, and the command line without them.

An option tells of its value by its name (`--password=…`, `--requirepass …`), what has a form is
told by that, and a text that a shell is given (`sh -c "…"`) is one of `commands`. Options of one
letter say nothing of their value where they are words of their own: `-a …` of redis-cli(1) is not
seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import commands
from .forms import apart, search_text
from .masking import without
from .names import is_told
from .shown import is_stand_in

PLACE = "command line"
_OPTION = re.compile(r"--?(?P<name>[A-Za-z_][\w.-]+)")
_WITH_VALUE = re.compile(r"--?(?P<name>[A-Za-z_][\w.-]+)=(?P<value>.*)", re.DOTALL)


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
    spans = list(_spans(argv))
    return [
        without(word, ((span.start, span.end) for span in spans if span.word == index))
        for index, word in enumerate(argv)
    ]


def _spans(argv: Sequence[str]) -> Iterator[_Span]:
    for index, word in enumerate(argv):
        before = _OPTION.fullmatch(argv[index - 1]) if index else None
        if before is not None and not word.startswith("-") and _is_told(before["name"], word):
            yield _Span(f"a value named {before['name']}", index, 0, len(word))
        else:
            yield from _in_word(index, word)


def _in_word(index: int, word: str) -> Iterator[_Span]:
    option = _WITH_VALUE.fullmatch(word)
    if option is not None and _is_told(option["name"], option["value"]):
        yield _Span(f"a value named {option['name']}", index, *option.span("value"))
        return
    for match in apart((*commands.find(word), *search_text(word))):
        yield _Span(match.kind, index, match.start, match.end)


def _is_told(name: str, value: str) -> bool:
    return is_told(name, value) and not is_stand_in(value)
