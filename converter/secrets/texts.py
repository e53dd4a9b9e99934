"""Secrets in one text or file, each digested where it is found.

A file is read in pieces that overlap, so that its size does not matter; a secret longer than the
overlap, 36 KiB, is not seen where pieces meet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .forms import BEFORE_BYTES, BEHIND_BYTES, search
from .names import reason

_PIECE_BYTES = 8 << 20
_OVERLAP_BYTES = BEFORE_BYTES + BEHIND_BYTES
_DIGEST_DIGITS = 12
# NAME=value, as a shell, a build argument and most files of settings have it.
_ASSIGNMENT = re.compile(
    r"""(?<![\w.-])([A-Za-z_][\w.-]*)["']?[ \t]*[=:][ \t]*("[^"\n]*"|'[^'\n]*'|[^\s"';&|]+)"""
)

_PLACEHOLDER = re.compile(
    r"\$\{\w+.*|<.*>|%\w+%|\{\{.*\}\}|\*+|x+|change[-_ ]?(?:me|it)|your[-_ ].*", re.IGNORECASE
)
_VARIABLE = re.compile(r"\$\w+.*")


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
    lines = Lines(text)
    for match in _ASSIGNMENT.finditer(text):
        name, value = match[1], match[2].strip("\"'")
        why = reason(name, value)
        if why is not None and not is_stand_in(value):
            line = lines.of(match.start())
            kind = f"a value named {name}" if why == "its name says so" else why
            yield Found(kind, f"line {line}", digest(_bytes(value)))


def in_value(name: str, value: str) -> Found | None:
    """Of a variable or label."""
    why = reason(name, value)
    if why is None or _PLACEHOLDER.fullmatch(value):  # a dollar is one: nothing expands it here
        return None
    kind = "a value whose name says so" if why == "its name says so" else why
    return Found(kind, "", digest(_bytes(value)))


def is_stand_in(value: str) -> bool:
    """What stands for a value that is elsewhere: $NAME, ${NAME}, <name>, %NAME%."""
    return any(one.fullmatch(value) for one in (_PLACEHOLDER, _VARIABLE))


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogateescape")
