"""ELF files of a few hundred bytes, made field by field (elf(5)), so that tests can spoil them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_BASE = 0x400000
_HEADERS_END = 64 + 4 * 56


def tiny_elf(
    *,
    interpreter: str | None = "/lib64/ld-linux-x86-64.so.2",
    needed: Sequence[str] = (),
    runpath: str = "",
    rpath: str = "",
    soname: str = "",
    imports: Sequence[str] = (),
    strings: Sequence[str] = (),
    machine: int = 62,
    stack_flags: int = 6,
) -> bytes:
    """One 64-bit little-endian ET_DYN file with a dynamic section and these C strings."""
    table = bytearray(b"\0")

    def name(text: str) -> int:
        table.extend(text.encode() + b"\0")
        return len(table) - len(text.encode()) - 1

    entries = [(1, name(text)) for text in needed]
    for tag, text in ((29, runpath), (15, rpath), (14, soname)):
        if text:
            entries.append((tag, name(text)))
    symbols = b"\0" * 24
    for text in imports:
        symbols += struct.pack("<IBBHQQ", name(text), 0x12, 0, 0, 0, 0)
    text = b"\0" + b"".join(string.encode() + b"\0" for string in strings)
    place = _HEADERS_END
    interpreter_bytes = (interpreter or "").encode() + b"\0"
    string_offset = place + len(interpreter_bytes)
    symbol_offset = string_offset + len(table)
    hash_offset = symbol_offset + len(symbols)
    hash_table = struct.pack("<IIII", 0, len(imports) + 1, 0, 0)  # DT_GNU_HASH: symoffset
    dynamic_offset = hash_offset + len(hash_table)
    entries += [
        (5, _BASE + string_offset),
        (10, len(table)),
        (6, _BASE + symbol_offset),
        (0x6FFFFEF5, _BASE + hash_offset),
        (0, 0),
    ]
    dynamic = b"".join(struct.pack("<qQ", tag, value) for tag, value in entries)
    total = dynamic_offset + len(dynamic) + len(text)
    headers = [_program_header(1, 5, 0, total)]  # PT_LOAD
    if interpreter is not None:
        headers.append(_program_header(3, 4, place, len(interpreter_bytes)))  # PT_INTERP
    headers.append(_program_header(2, 6, dynamic_offset, len(dynamic)))  # PT_DYNAMIC
    headers.append(_program_header(0x6474E551, stack_flags, 0, 0))  # PT_GNU_STACK
    identification = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    header = identification + struct.pack(
        "<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, len(headers), 64, 0, 0
    )
    body = interpreter_bytes + bytes(table) + symbols + hash_table + dynamic + text
    return (header + b"".join(headers)).ljust(_HEADERS_END, b"\0") + body


def _program_header(kind: int, flags: int, offset: int, size: int) -> bytes:
    address = _BASE + offset
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, address, size, size, 1)
