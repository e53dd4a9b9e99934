"""Packs names into the bytes that `runtimes/husk/src/names.rs` unpacks.

In front of each name stands a mark: how many parts of the name before it keeps. Then the two codes
that most often stand side by side are given one code of their own, over and over, as long as codes
are left (Gage, "A New Algorithm for Data Compression", 1994). That is about half of what front
coding alone takes, and what unpacks it is small.

    count, that many bytes      what the codes from MARKS on stand for
    count, that many pairs      which two codes each of the following codes stands for
    codes, up to the end        below MARKS: a name begins
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

NAME_BYTES = 255
# Few, for each takes a code from the pairs; with 12, every byte that UTF-8 has finds a code too.
MARKS = 12
_CODES = 256
# Bytes that end a part of a name.
_PART_ENDS = b":_"
# Counting is slow: of so many pairs, those that have no code in common are replaced at once.
_PAIRS_A_COUNT = 24
# A pair takes two bytes and spares one each time.
_LEAST_OCCURRENCES = 4


def pack(names: Sequence[bytes]) -> bytes:
    """The names, cut at NAME_BYTES, in their order."""
    marked = tuple(_marked([name[:NAME_BYTES] for name in names]))
    plain = bytes(sorted(set(b"".join(rest for _, rest in marked))))
    code_of = bytes.maketrans(plain, bytes(range(MARKS, MARKS + len(plain))))
    codes = b"".join(bytes((mark,)) + rest.translate(code_of) for mark, rest in marked)
    pairs, codes = _replace_pairs(codes, MARKS + len(plain))
    return bytes((len(plain),)) + plain + bytes((len(pairs),)) + b"".join(pairs) + codes


def _marked(names: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The largest mark that fits, and the rest of the name."""
    before = b""
    for name in names:
        sizes = kept_sizes(before)
        mark = bisect_right(sizes, len(posixpath.commonprefix((before, name)))) - 1
        yield mark, name[sizes[mark] :]
        before = name


def kept_sizes(name: bytes) -> list[int]:
    """By mark, how long as many parts of the name are: all of it, where it has fewer."""
    ends = [at for at, byte in enumerate(name, 1) if byte in _PART_ENDS][: MARKS - 1]
    return [0, *ends] + [len(name)] * (MARKS - 1 - len(ends))


def _replace_pairs(codes: bytes, first_free: int) -> tuple[list[bytes], bytes]:
    pairs: list[bytes] = []
    while frequent := _frequent_pairs(codes)[: _CODES - first_free - len(pairs)]:
        for pair in frequent:
            codes = codes.replace(pair, bytes((first_free + len(pairs),)))
            pairs.append(pair)
    return pairs, codes


def _frequent_pairs(codes: bytes) -> list[bytes]:
    """The most frequent first; none has a code of one before it."""
    found: list[bytes] = []
    taken: set[int] = set()
    counted = Counter(pairwise(codes))
    for pair, count in counted.most_common(_PAIRS_A_COUNT):
        if count >= _LEAST_OCCURRENCES and taken.isdisjoint(pair):
            found.append(bytes(pair))
            taken.update(pair)
    return found
