"""What a file says of its segments is believed as far as the file goes."""

from __future__ import annotations

import io
import struct

import pytest

from dock2uk import elf

_LOAD, _NOTE, _READ_EXECUTE, _READ = 1, 4, 5, 4


def made(*segments: tuple[int, int, int, int], place: int = 64, entry: int = 56) -> bytes:
    """A header, then a table of (type, flags, offset, size), then sixteen bytes."""
    count = len(segments)
    head = b"\x7fELF\x02\x01" + bytes(10) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, place, 0, 0, 64, entry, count, 0, 0, 0
    )  # fmt: skip
    table = b"".join(
        struct.pack("<IIQQQQQQ", kind, flags, offset, 0, 0, size, size, 4096)
        for kind, flags, offset, size in segments
    )
    return head + table + bytes(16)


def found(data: bytes) -> list[tuple[int, int, bool]]:
    return [(one.offset, one.size, one.is_code) for one in elf.loaded(io.BytesIO(data), len(data))]


def test_segments_are_told_with_what_they_are_for() -> None:
    data = made((_LOAD, _READ_EXECUTE, 0, 64), (_NOTE, _READ, 0, 9), (_LOAD, _READ, 64, 20))
    assert found(data) == [(0, 64, True), (64, 20, False)]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fELF", b"#!/bin/sh" + bytes(99), made((_LOAD, 5, 0, 9), place=2**64 - 1),
     made((_LOAD, 5, 2**64 - 1, 9)), made((_LOAD, 5, 0, 9), entry=1)],
)  # fmt: skip
def test_what_leads_out_of_the_file_is_nothing(data: bytes) -> None:
    assert found(data) == []


def test_segments_that_lie_over_each_other_are_no_more_than_the_file() -> None:
    data = made(*[(_LOAD, _READ_EXECUTE, 0, 2**63)] * 50)
    assert sum(size for _, size, _ in found(data)) == len(data)
