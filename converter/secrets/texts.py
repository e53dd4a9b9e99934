"""Secrets in one text or file, each digested where it is found.

A file is read in pieces that overlap, so that its size does not matter; a secret longer than the
overlap, 36 KiB, is not seen where pieces meet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from . import commands, shown
from .forms import BEFORE_BYTES, BEHIND_BYTES, Match, form_of, search
from .names import is_told
from .values import BY_NAME, part, reason

_PIECE_BYTES = 8 << 20
_OVERLAP_BYTES = BEFORE_BYTES + BEHIND_BYTES
_DIGEST_DIGITS = 12
# NAME=value, as a shell, a build argument and most files of settings have it.
_ASSIGNMENT = re.compile(
    r"""(?<![\w.-])([A-Za-z_][\w.-]*)["']?[ \t]*[=:][ \t]*("[^"\n]*"|'[^'\n]*'|[^\s"';&|]+)"""
)


@dataclass(frozen=True, slots=True)
class Found:
    """A secret in a text. `place` is its line, or its byte where there are no lines."""

    kind: str
    place: str
    digest: str


class Lines:
    """Of places in a text that are asked for in order: each line is counted once."""

    def __init__(self, text: str) -> None:
        self._text, self._place, self._line = text, 0, 1

    def of(self, place: int) -> int:
        self._line += self._text.count("\n", self._place, place)
        self._place = place
        return self._line


def digest(value: bytes) -> str:
    """Enough of the sha256 to tell whether two are the same, and too little to find one by."""
    return hashlib.sha256(value).hexdigest()[:_DIGEST_DIGITS]


def in_file(file: BinaryIO) -> Iterator[Found]:
    """By form alone."""
    kept, start_byte, lines, seen_until = b"", 0, 0, 0
    while piece := file.read(_PIECE_BYTES):
        data = kept + piece
        is_binary = b"\0" in data
        for match in search(data):
            at = start_byte + match.start
            if at < seen_until:
                continue
            seen_until = start_byte + match.end
            line = lines + data.count(b"\n", 0, match.start) + 1
            place = f"byte {at}" if is_binary else f"line {line}"
            yield Found(match.kind, place, digest(data[match.start : match.end]))
        if len(piece) < _PIECE_BYTES:
            return
        cut = len(data) - _OVERLAP_BYTES
        lines += data.count(b"\n", 0, cut)
        kept, start_byte = data[cut:], start_byte + cut


def in_settings(text: str) -> Iterator[Found]:
    """Values whose names say that they are secrets; those that have a form are `in_file`'s."""
    return placed(text, _assigned(text))


def in_commands(text: str) -> Iterator[Found]:
    """What the words of commands tell of; what has a form is `in_file`'s."""
    return placed(text, commands.find(text))


def _assigned(text: str) -> Iterator[Match]:
    for match in _ASSIGNMENT.finditer(text):
        value = match[2].strip("\"'")
        if is_told(match[1], value) and not shown.is_stand_in(value):
            start = match.start(2) + match[2].index(value)
            yield Match(f"a value named {match[1]}", start, start + len(value))


def placed(text: str, matches: Iterable[Match]) -> Iterator[Found]:
    """Each with its line. In the order of the text, and none that has a form."""
    lines = Lines(text)
    for match in matches:
        value = text[match.start : match.end]
        if form_of(value) is None:
            yield Found(match.kind, f"line {lines.of(match.start)}", digest(_bytes(value)))


def in_value(name: str, value: str) -> Found | None:
    """Of a variable or label. A dollar in it is one: nothing expands it here."""
    why = reason(name, value)
    if why is None:
        return None
    kind = "a value whose name says so" if why == BY_NAME else why
    return Found(kind, "", digest(_bytes(part(name, value))))


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogateescape")
