"""Which images are looked at: those of the command line, and those of a list."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import Dock2ukError

_LARGEST_LIST_BYTES = 16 << 20
_STDIN = Path("-")
_COMMENT = re.compile(r"(^|\s)#.*")


def listed(sources: Iterable[str], file: Path | None) -> tuple[str, ...]:
    """Each once, in order; Dock2ukError where there are none."""
    names = [*sources, *(_lines(file) if file is not None else ())]
    if not names:
        raise Dock2ukError("no image is named", hint="give images, or --from-file LIST")
    return tuple(dict.fromkeys(names))


def _lines(file: Path) -> Iterator[str]:
    """One a line; what follows a # that begins a word is a comment."""
    try:
        text = _read(file).decode("utf-8-sig")  # some editors begin a file with a mark of its order
    except OSError as problem:
        raise Dock2ukError(f"cannot read {file}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Dock2ukError(f"{file}: not UTF-8: {problem}") from problem
    for line in text.splitlines():
        if name := _COMMENT.sub("", line).strip():
            yield name


def _read(file: Path) -> bytes:
    if file == _STDIN:
        return _bounded(sys.stdin.buffer, "the standard input")
    with file.open("rb") as opened:
        return _bounded(opened, str(file))


def _bounded(opened: BinaryIO, name: str) -> bytes:
    data = opened.read(_LARGEST_LIST_BYTES + 1)
    if len(data) > _LARGEST_LIST_BYTES:
        raise Dock2ukError(f"{name}: larger than {_LARGEST_LIST_BYTES} bytes")
    return data
