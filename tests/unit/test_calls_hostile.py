"""Files that are not what they should be: the analysis says so, or knows something, and ends."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest

from dock2uk.analyse.calls.facts import ElfFacts, read_facts
from dock2uk.analyse.calls.kept import from_bytes, to_bytes
from tests.unit.test_calls_reach import _ALONE, _CALL, build

_BODY = """
OWN long make(long n) { return call(n); }
void (*volatile pointer)(void);
void _start(int n) { switch (n) { case 0: make(1); case 1: make(2); case 2: make(3);
    case 3: make(4); case 5: make(6); } pointer(); call(60); }
"""
_KINDS = {
    "fixed": _ALONE,
    "pie": ("-static-pie", "-fPIE", *_ALONE[1:]),
    "library": ("-shared", "-fPIC", *_ALONE[1:]),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_damaged_files_are_survived(tmp_path: Path, kind: str) -> None:
    """Headers, tables and code with bytes changed: what comes is facts, whatever they say."""
    whole = build(tmp_path / "whole", _CALL + _BODY, *_KINDS[kind]).read_bytes()
    chance = random.Random(kind)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.choice((0, 0xFF, chance.randrange(256)))
        cut = data[: chance.choice((len(data), len(data), chance.randrange(len(data))))]
        read_facts(bytes(cut), keeps_registers=True)


def test_a_file_of_nothing_but_calls_ends_in_time() -> None:
    code = b"\x0f\x05" * (3 << 20)
    begin_s = time.monotonic()
    facts = read_facts(_with_code(code), keeps_registers=True)
    assert facts.unread or any(rare.unknown for rare in facts.pieces.rare.values())
    assert time.monotonic() - begin_s < 60


def test_more_code_than_can_be_looked_at_is_said() -> None:
    assert "MiB" in read_facts(_with_code(bytes(49 << 20)), keeps_registers=True).unread


def _kept(directory: Path) -> tuple[ElfFacts, bytes]:
    program = build(directory / "whole", _CALL + _BODY, *_ALONE)
    facts = read_facts(program.read_bytes(), keeps_registers=True)
    return facts, to_bytes(facts)


def test_facts_come_back_from_the_cache_as_they_were(tmp_path: Path) -> None:
    facts, kept = _kept(tmp_path)
    assert len(facts.pieces) > 1
    assert from_bytes(kept) == facts


def test_facts_that_were_damaged_in_the_cache_are_not_used(tmp_path: Path) -> None:
    _, kept = _kept(tmp_path)
    line = kept.index(b"\n")
    for damaged in (b"", kept[:line], kept[:-1], kept + b"x", kept[:-2] + b"\xff\xff", b"{}\n"):
        with pytest.raises((ValueError, KeyError, TypeError)):
            from_bytes(damaged)


def test_code_that_is_spread_too_far_is_said() -> None:
    data = bytearray(_with_code(b"\x0f\x05"))
    struct.pack_into("<H", data, 56, 2)  # e_phnum
    far = struct.pack("<IIQQQQQQ", 1, 5, 0, 1 << 40, 1 << 40, 64, 64, 4096)
    data[120:120] = far
    assert "4 GiB" in read_facts(bytes(data), keeps_registers=True).unread


def _with_code(code: bytes) -> bytes:
    """An ET_EXEC file with one executable segment (elf(5))."""
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    base, start = 0x400000, 64 + 56
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, 2, 62, 1, base + start, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = start + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096)
    return header + segment + code
