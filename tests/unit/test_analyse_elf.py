"""ELF files and library caches that lie: every one a clear error or nothing, never a crash."""

from __future__ import annotations

import random
import struct
from contextlib import suppress
from dataclasses import replace

import pytest
from tiny_elf import tiny_elf
from trees import program

from dock2uk.analyse.elf_file import ElfError, read_elf
from dock2uk.contents import Held
from dock2uk.elf import kind, read_header
from dock2uk.library_cache import cut_library_cache, read_library_cache

GOOD = tiny_elf(
    needed=["liba.so", "libb.so"],
    runpath="/a:/b",
    soname="me.so",
    imports=["open", "close"],
    stack_flags=7,
)
TABLES_END = len(GOOD) - 1  # only the empty list of strings comes after the dynamic section


def test_fields() -> None:
    read = read_elf("/x", Held(GOOD))
    assert read.file.needed == ("liba.so", "libb.so")
    assert read.file.runpath == ("/a", "/b")
    assert (read.file.soname, read.file.interpreter) == ("me.so", "/lib64/ld-linux-x86-64.so.2")
    assert (read.file.type, read.file.machine) == ("ET_DYN", "x86_64")
    assert read.file.is_executable_stack
    assert read.file.imports == {"open", "close"}


def test_header_of_the_first_bytes() -> None:
    assert read_header(GOOD[:64]) is not None
    for other in (b"", b"\x7fELF", b"#!/bin/sh\n" * 20, GOOD[:63], GOOD[:5] + b"\x07" + GOOD[6:64]):
        assert read_header(other) is None


@pytest.mark.parametrize(
    ("path", "mode", "expected"),
    [
        ("/usr/bin/x", 0o755, "executable"),
        ("/usr/lib/libx.so.1", 0o755, "library"),
        ("/usr/lib/module", 0o644, "library"),
    ],
)
def test_kind_by_name_and_mode(path: str, mode: int, expected: str) -> None:
    assert kind(replace(program(path, GOOD), mode=mode)) == expected
    assert kind(replace(program(path, b"#!/bin/sh"), mode=mode)) is None


@pytest.mark.parametrize("size", [*range(0, TABLES_END, 7), TABLES_END - 1])
def test_truncated(size: int) -> None:
    with pytest.raises(ElfError, match=r"^/lib/cut.so: damaged ELF file: "):
        read_elf("/lib/cut.so", Held(GOOD[:size]))


@pytest.mark.parametrize("seed", range(8))
def test_changed_at_random(seed: int) -> None:
    generator = random.Random(seed)
    for _ in range(400):
        data = bytearray(GOOD)
        for _ in range(generator.randint(1, 6)):
            data[generator.randrange(len(data))] = generator.choice((0, 1, 0x7F, 0xFF))
        with suppress(ElfError):
            read_elf("/lib/odd.so", Held(bytes(data)))


@pytest.mark.parametrize(
    ("offset", "layout", "value", "problem"),
    [
        (54, "<H", 8, "e_phentsize is 8, not 56"),
        (32, "<Q", 1 << 40, "runs past the end"),
        (18, "<H", 183, "for aarch64"),
    ],
)
def test_said_what_is_wrong(offset: int, layout: str, value: int, problem: str) -> None:
    data = bytearray(GOOD)
    struct.pack_into(layout, data, offset, value)
    with pytest.raises(ElfError, match=problem):
        read_elf("/x", Held(bytes(data)))


def library_cache(*entries: tuple[int, str, str]) -> bytes:
    """A new-format ld.so.cache."""
    strings, table = b"", b""
    start = 48 + 24 * len(entries)
    for flags, name, path in entries:
        key = start + len(strings)
        strings += name.encode() + b"\0"
        table += struct.pack("<iIIIQ", flags, key, start + len(strings), 0, 0)
        strings += path.encode() + b"\0"
    header = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings)) + b"\0" * 20
    return header + table + strings


CACHE = library_cache(
    (0x0303, "liba.so", "/x/liba.so"), (0x0003, "liba.so", "/i386/liba.so"),
    (0x0303, "liba.so", "/y/liba.so"),
)  # fmt: skip


def test_library_cache() -> None:
    assert read_library_cache(CACHE) == {"liba.so": ("/x/liba.so", "/y/liba.so")}
    old = b"ld.so-1.7.0\0" + struct.pack("<I", 1) + b"\0" * 12
    assert read_library_cache(old.ljust(32, b"\0") + CACHE) == read_library_cache(CACHE)


def test_cut_library_cache_forgets_what_is_not_kept() -> None:
    cut = cut_library_cache(CACHE, lambda path: path != "/x/liba.so")
    assert read_library_cache(cut) == {"liba.so": ("/y/liba.so",)}
    assert b"/x/" not in cut
    assert b"/y/liba.so\0" in cut
    assert cut_library_cache(CACHE, lambda _: True) == CACHE
    assert read_library_cache(cut_library_cache(CACHE, lambda _: False)) == {}
    assert cut_library_cache(b"no cache", lambda _: False) == b"no cache"


def test_damaged_library_caches_give_nothing_more() -> None:
    for size in range(len(CACHE)):
        read_library_cache(CACHE[:size])
        cut_library_cache(CACHE[:size], lambda _: False)
    assert read_library_cache(b"") == {}
    assert read_library_cache(b"ld.so-1.7.0\0\xff\xff\xff\xff") == {}
    assert read_library_cache(CACHE[:20] + b"\xff" * 8 + CACHE[28:])["liba.so"][0] == "/x/liba.so"
