"""Packing names for the kernel, against a decoder that is written apart from the kernel's."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dock2uk.link.packed_names import NAME_BYTES, pack
from tests.kernel_symbols import unpack

# The kernel's own tests unpack the one and expect the other.
SHARED = Path(__file__).resolve().parents[2] / "runtimes" / "husk" / "tests"


def shared_names() -> list[bytes]:
    return (SHARED / "names.txt").read_bytes().removesuffix(b"\n").split(b"\n")


def test_the_kernel_s_tests_unpack_what_is_packed_today() -> None:
    assert pack(shared_names()) == (SHARED / "names.packed").read_bytes(), (
        f"write what pack() gives for names.txt to {SHARED / 'names.packed'}"
    )


@pytest.mark.parametrize("alphabet", ["ab", "a_:", "fn::é_→", "".join(map(chr, range(1, 0x250)))])
@pytest.mark.parametrize("seed", range(20))
def test_names_come_back_as_they_were(alphabet: str, seed: int) -> None:
    chance = random.Random(seed)
    names = [
        "".join(chance.choices(alphabet, k=chance.randrange(60))).encode()
        for _ in range(chance.randrange(300))
    ]
    names += chance.choices(names, k=min(len(names), 20))
    assert list(unpack(pack(names))) == names


def test_every_byte_that_utf_8_has_can_be_packed() -> None:
    characters = [*range(1, 0xD800), *range(0xE000, 0x11000), 0x40000, 0x80000, 0xC0000, 0x10FFFF]
    name = "".join(map(chr, characters)).encode()
    every = bytes(sorted(set(name)))
    assert len(every) == 256 - len(b"\x00\xc0\xc1") - len(range(0xF5, 0x100))
    assert list(unpack(pack([every]))) == [every]


def test_names_of_more_parts_than_there_are_marks_come_back() -> None:
    names = [b"a::" * 20, b"a::" * 20, b"a::" * 20 + b"b", b"a::" * 19, b"", b"a"]
    assert list(unpack(pack(names))) == names


def test_a_name_is_cut_where_the_kernel_has_no_more_room() -> None:
    assert list(unpack(pack([b"n" * 300]))) == [b"n" * NAME_BYTES]


def test_nothing_is_packed_as_nothing() -> None:
    assert list(unpack(pack([]))) == []


def test_names_take_less_than_half_of_what_they_are() -> None:
    names = shared_names()
    assert len(pack(names)) < sum(map(len, names)) / 2
