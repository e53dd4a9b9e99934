"""Reads the names of functions that are linked into a kernel, as the kernel puts them together."""

from __future__ import annotations

import re
from collections.abc import Iterator


def functions(source: str) -> Iterator[tuple[int, str]]:
    """Addresses, from the kernel's base on, and names."""
    at, name = 0, ""
    record = re.compile(r'^\.uleb128 (\d+)\n\.byte (\d+)\n\.ascii "(.*)\\000"$', re.MULTILINE)
    for distance, shared, own in record.findall(source):
        at, name = at + int(distance), name[: int(shared)] + own
        yield at, name
