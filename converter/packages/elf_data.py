"""The part of an ELF file where Go's linker puts its build information, read without the rest.

That is the section .go.buildinfo, or, without section headers, where the first writable segment
begins (debug/buildinfo, elfExe.DataStart). Every number is checked against what is there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_SECTION = b".go.buildinfo"
_SECTIONS, _SEGMENTS = 4096, 256
_NAMES_BYTES = 1 << 20
_DATA_BYTES = 4 << 20  # the modules of a large program are some 100 kB
_SEARCHED_BYTES = 1 << 20  # of a segment
_PT_LOAD, _PF_X, _PF_W = 1, 1, 2


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the two header tables are, and how they are read (gABI, "ELF Header")."""

    order: str
    is_64_bit: bool
    segments_at: int
    segment_bytes: int
    segments: int
    sections_at: int
    section_bytes: int
    sections: int
    names_index: int


def go_build_data(file: BinaryIO) -> bytes:
    """The bytes in which build information can be; empty for anything else."""
    layout = _layout(file.read(64))
    if layout is None:
        return b""
    if layout.sections_at and layout.sections:
        return _section_data(file, layout)
    return _segment_data(file, layout)


def _layout(head: bytes) -> _Layout | None:
    if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order, is_64_bit = "<" if head[5] == 1 else ">", head[4] == 2
    fields = struct.unpack_from(
        f"{order}{'QQIHHHHHH' if is_64_bit else 'IIIHHHHHH'}", head, 32 if is_64_bit else 28
    )
    segments_at, sections_at, _, _, segment_bytes, segments, section_bytes, sections, names = fields
    if sections > _SECTIONS or segments > _SEGMENTS or names >= max(sections, 1):
        return None
    return _Layout(
        order, is_64_bit, segments_at, segment_bytes, segments, sections_at, section_bytes,
        sections, names,
    )  # fmt: skip


def _section_data(file: BinaryIO, layout: _Layout) -> bytes:
    """name, type, flags, address, offset, size (gABI, "Section Header")."""
    form = struct.Struct(layout.order + ("IIQQQQ" if layout.is_64_bit else "IIIIII"))
    if layout.section_bytes < form.size:
        return b""
    table = _at(file, layout.sections_at, layout.sections * layout.section_bytes)
    if len(table) < layout.sections * layout.section_bytes:
        return b""
    headers = [
        form.unpack_from(table, index * layout.section_bytes) for index in range(layout.sections)
    ]
    names = headers[layout.names_index]
    text = _at(file, names[4], min(names[5], _NAMES_BYTES))
    for header in headers:
        if text[header[0] : header[0] + len(_SECTION) + 1] == _SECTION + b"\0":
            return _at(file, header[4], min(header[5], _DATA_BYTES))
    return b""


def _segment_data(file: BinaryIO, layout: _Layout) -> bytes:
    """type, flags, offset, …, size in the file (gABI, "Program Header")."""
    form = struct.Struct(layout.order + ("IIQQQQ" if layout.is_64_bit else "IIIIIII"))
    if layout.segment_bytes < form.size:
        return b""
    table = _at(file, layout.segments_at, layout.segments * layout.segment_bytes)
    for start in range(0, len(table) - form.size + 1, layout.segment_bytes):
        fields = form.unpack_from(table, start)
        kind, flags = fields[0], fields[1] if layout.is_64_bit else fields[6]
        offset, size_bytes = (fields[2], fields[5]) if layout.is_64_bit else (fields[1], fields[4])
        if kind == _PT_LOAD and flags & (_PF_X | _PF_W) == _PF_W:
            return _at(file, offset, min(size_bytes, _SEARCHED_BYTES))
    return b""


def _at(file: BinaryIO, offset: int, size_bytes: int) -> bytes:
    if offset >= 1 << 62:
        return b""
    file.seek(offset)
    return file.read(size_bytes)
