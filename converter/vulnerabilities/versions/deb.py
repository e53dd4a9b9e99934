"""Debian's order of versions (deb-version(7)): epoch, upstream version, revision.

Both strings are taken apart into what is no digits and digits, in turn. `~` sorts before the end of
a string, the end before letters, letters before everything else.
"""

from __future__ import annotations

import re
from itertools import pairwise

_VERSION = re.compile(r"(?:([0-9]+):)?([A-Za-z0-9.+:~-]*?)(?:-([A-Za-z0-9.+~]*))?")
_END = 0

Part = tuple[tuple[int, ...], int]


def key(version: str) -> tuple[int, tuple[Part, ...], tuple[Part, ...]]:
    """Compares as `dpkg --compare-versions` does."""
    found = _VERSION.fullmatch(version.strip())
    if found is None or not found[2] or (":" in found[2] and not found[1]):
        raise ValueError(f"{version!r} is no version of a Debian package")
    return int(found[1] or 0), _parts(found[2]), _parts(found[3] or "")


def _parts(text: str) -> tuple[Part, ...]:
    """An empty part stands for the end: a missing number is 0, so what ends in such is the same.
    Two of them, for one can also be how a string begins ("0")."""
    pieces = [*re.split(r"([0-9]+)", text), ""]
    parts = [
        (_letters(letters), int(digits or 0)) for letters, digits in list(pairwise(pieces))[::2]
    ]
    end: Part = ((_END,), 0)
    while parts and parts[-1] == end:
        parts.pop()
    return (*parts, end, end)


def _letters(text: str) -> tuple[int, ...]:
    return (*(_weight(letter) for letter in text), _END)


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
