"""The header of an rpm package, as rpm's databases keep one for each (rpm's format documentation,
"Header structure"): a count of entries and one of data bytes, then the entries, then the data.

Everything is big-endian. An entry is a tag, the type of its values, where they begin in the data,
and how many there are. Each number is checked before it is used.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

# rpmtag.h
NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003
ARCHITECTURE, SOURCE_PACKAGE = 1022, 1044
PROVIDES, REQUIRES = 1047, 1049
DIRECTORY_INDEXES, BASE_NAMES, DIRECTORY_NAMES = 1116, 1117, 1118
OLD_FILE_NAMES = 1027
FILE_STATES = 1029
MODULE = 5096

_INT32, _STRING, _STRINGS, _TRANSLATED, _CHARACTERS = 4, 6, 8, 9, (1, 2)
_WANTED = frozenset((
    NAME, VERSION, RELEASE, EPOCH, ARCHITECTURE, SOURCE_PACKAGE, PROVIDES, REQUIRES,
    DIRECTORY_INDEXES, BASE_NAMES, DIRECTORY_NAMES, OLD_FILE_NAMES, FILE_STATES, MODULE,
))  # fmt: skip
# header.c: hdrchkTags, hdrchkData
_ENTRIES, _DATA_BYTES = 0x10000, 256 << 20
_VALUES = 1_000_000  # of one tag; no package has so many files
_ENTRY = struct.Struct(">iIiI")

Value = tuple[str, ...] | tuple[int, ...]


class DamagedHeaderError(Exception):
    """The header contradicts itself."""


def read(blob: bytes) -> Mapping[int, Value]:
    """The values of the tags above. Raises DamagedHeaderError."""
    if len(blob) < 8:
        raise DamagedHeaderError("it is cut short")
    count, data_bytes = struct.unpack_from(">II", blob)
    begin = 8 + count * _ENTRY.size
    if count > _ENTRIES or data_bytes > _DATA_BYTES or begin + data_bytes > len(blob):
        raise DamagedHeaderError("it is shorter than it says")
    data = blob[begin : begin + data_bytes]
    values: dict[int, Value] = {}
    for index in range(count):
        tag, kind, offset, number = _ENTRY.unpack_from(blob, 8 + index * _ENTRY.size)
        if tag in _WANTED and tag not in values:  # one that is said often costs no more
            values[tag] = _values(data, kind, offset, number)
    return values


def _values(data: bytes, kind: int, offset: int, count: int) -> Value:
    if not 0 <= offset <= len(data) or count > min(len(data) - offset, _VALUES):
        raise DamagedHeaderError("an entry points outside of the data")
    if kind == _INT32:
        return _integers(data, offset, count)
    if kind in _CHARACTERS:
        return tuple(data[offset : offset + count])
    if kind in (_STRING, _STRINGS, _TRANSLATED):
        return _strings(data, offset, count)
    raise DamagedHeaderError(f"an entry is of type {kind}")


def _integers(data: bytes, offset: int, count: int) -> tuple[int, ...]:
    if count * 4 > len(data) - offset:
        raise DamagedHeaderError("numbers end outside of the data")
    return struct.unpack_from(f">{count}I", data, offset)


def _strings(data: bytes, offset: int, count: int) -> tuple[str, ...]:
    parts = data[offset:].split(b"\0", count)
    if len(parts) <= count:
        raise DamagedHeaderError("a string has no end")
    return tuple(part.decode("utf-8", "surrogateescape") for part in parts[:count])
