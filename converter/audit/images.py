"""Which images are looked at: those of the command line, and those of a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import Dock2ukError

_LARGEST_LIST_BYTES = 16 << 20


def listed(sources: Iterable[str], file: Path | None) -> tuple[str, ...]:
    """Each once, in order; Dock2ukError where there are none."""
    names = [*sources, *(_lines(file) if file is not None else ())]
    if not names:
        raise Dock2ukError("no image is named", hint="give images, or --from-file LIST")
    return tuple(dict.fromkeys(names))


def _lines(file: Path) -> Iterator[str]:
    """One a line; what follows a # that begins a word is a comment."""
    try:
        if file.stat().st_size > _LARGEST_LIST_BYTES:
            raise Dock2ukError(f"{file}: larger than {_LARGEST_LIST_BYTES} bytes")
        text = file.read_text()
    except OSError as problem:
        raise Dock2ukError(f"cannot read {file}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Dock2ukError(f"{file}: not UTF-8: {problem}") from problem
    for line in text.splitlines():
        words = line.split(maxsplit=1)
        if words and not words[0].startswith("#"):
            yield line.partition(" #")[0].strip()
