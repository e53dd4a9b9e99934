"""Looks through contents piece by piece: a file of the image may be larger than what memory is for.

What is looked for is short: a word, or a string that ends at a NUL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .model import Content

_PIECE_BYTES = 4 << 20


def holds(content: Content, word: bytes) -> bool:
    return bool(held(content, (word,)))


def held(content: Content, words: Iterable[bytes]) -> set[bytes]:
    """Those of the words that are in it, read as far as that takes."""
    missing, found = set(words), set[bytes]()
    overlap_bytes = max(map(len, missing), default=1) - 1
    before = b""
    for piece in _pieces(content):
        data = before + piece
        found |= {word for word in missing if word in data}
        missing -= found
        if not missing:
            break
        before = data[max(0, len(data) - overlap_bytes) :]
    return found


def strings(content: Content, pattern: re.Pattern[bytes]) -> list[str]:
    """What the pattern, or its first group, finds of it, each once and in order; it must not match
    over a NUL, and ASCII alone."""
    found: set[bytes] = set()
    for data in _between_nuls(content):
        found.update(pattern.findall(data))
    return sorted(one.decode("ascii") for one in found)


def _between_nuls(content: Content) -> Iterator[bytes]:
    """Longer pieces that are cut at NULs, with the NUL on both sides."""
    before = b""
    for piece in _pieces(content):
        data = before + piece
        end = data.rfind(b"\0")
        if end > 0:
            yield data[: end + 1]
            data = data[end:]
        before = data
    yield before


def _pieces(content: Content) -> Iterator[bytes]:
    with content.open() as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
