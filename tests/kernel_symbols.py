"""Reads the names that are linked into a kernel, as the kernel puts them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from dock2uk.link.packed_names import MARKS, kept_sizes


def functions(source: str) -> Iterator[tuple[int, str]]:
    """Addresses, from the kernel's base on, and names."""
    distances = map(int, re.findall(r"^\.uleb128 (\d+)$", source, re.MULTILINE))
    names = unpack(data_between(source, "husk_symbol_names", "husk_symbols_end"))
    return zip(accumulate(distances), (name.decode() for name in names), strict=True)


def data_between(source: str, start: str, end: str) -> bytes:
    """The bytes of the strings between two labels of assembly."""
    part = source.partition(f"\n{start}:\n")[2].partition(f"\n{end}:")[0]
    text = "".join(re.findall(r'^\.ascii "(.*)"$', part, re.MULTILINE)).encode()
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes((int(octal[1], 8),)), text)


def unpack(packed: bytes) -> Iterator[bytes]:
    """The names in their order."""
    plain, rest = _counted(packed, 1)
    pairs, codes = _counted(rest, 2)
    stands_for: list[bytes] = [bytes((mark,)) for mark in range(MARKS)]
    stands_for += [bytes((MARKS + index,)) for index in range(len(plain))]
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        stands_for.append(stands_for[first] + stands_for[second])
    name: bytes | None = None
    for code in b"".join(stands_for[code] for code in codes):
        if code >= MARKS and name is not None:
            name += plain[code - MARKS : code - MARKS + 1]
            continue
        if name is not None:
            yield name
        name = (name or b"")[: kept_sizes(name or b"")[code]]
    if name is not None:
        yield name


def _counted(data: bytes, item_bytes: int) -> tuple[bytes, bytes]:
    end = 1 + data[0] * item_bytes
    return data[1:end], data[end:]
