"""/etc/ld.so.cache, read as ld.so does (glibc sysdeps/generic/dl-cache.h), and cut down.

Only the new format (also where it follows the old one in the same file) and only entries for
64-bit x86. A damaged cache gives no entries: ld.so ignores it too, and searches its directories.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

PATH = "/etc/ld.so.cache"
_OLD_MAGIC = b"ld.so-1.7.0\0"
_NEW_MAGIC = b"glibc-ld.so.cache1.1"
_OLD_ENTRY_BYTES = 12
_NEW_HEADER = struct.Struct("<20sII20x")  # magic and version, nlibs, len_strings, flags, …
_NEW_ENTRY = struct.Struct("<iIIIQ")  # flags, key, value, osversion, hwcap
_COUNT_OFFSET = len(_NEW_MAGIC)
_FLAGS_LIBC6_X86_64 = 0x0303  # FLAG_ELF_LIBC6 | FLAG_X8664_LIB64
_MAXIMUM_ENTRIES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Entry:
    flags: int
    name_offset: int
    path_offset: int
    raw: bytes


def read_library_cache(data: bytes) -> Mapping[str, tuple[str, ...]]:
    """Library name -> the paths the cache gives for it, in its order."""
    start = _new_format_offset(data)
    found: dict[str, tuple[str, ...]] = {}
    for entry in _entries(data, start) if start is not None else ():
        name, path = _string(data, entry.name_offset), _string(data, entry.path_offset)
        if entry.flags == _FLAGS_LIBC6_X86_64 and name and path.startswith("/"):
            found[name] = (*found.get(name, ()), path)
    return found


def cut_library_cache(data: bytes, is_kept: Callable[[str], bool]) -> bytes:
    """The cache with no entry for a path that is not kept, and nothing left of its name.

    ld.so finds an entry by bisection and its strings by their offsets: what stays keeps its order
    and its place, so there is a gap before the strings. What cannot be read is given back as it
    is."""
    start = _new_format_offset(data)
    if start is None:
        return data
    entries = list(_entries(data, start))
    kept = [one for one in entries if is_kept(_string(data, one.path_offset))]
    cut = bytearray(data)
    for span in _strings(data, entries):
        cut[span] = bytes(span.stop - span.start)
    for span in _strings(data, kept):  # a name may be the tail of a path: strings overlap
        cut[span] = data[span]
    begin, size = start + _NEW_HEADER.size, len(entries) * _NEW_ENTRY.size
    cut[begin : begin + size] = b"".join(one.raw for one in kept).ljust(size, b"\0")
    struct.pack_into("<I", cut, start + _COUNT_OFFSET, len(kept))
    return bytes(cut)


def _strings(data: bytes, entries: Iterable[_Entry]) -> Iterator[slice]:
    for entry in entries:
        for offset in (entry.name_offset, entry.path_offset):
            yield slice(offset, max(offset, data.find(b"\0", offset)))


def _entries(data: bytes, start: int) -> Iterator[_Entry]:
    _, count, _ = _NEW_HEADER.unpack_from(data, start)
    for index in range(min(count, _MAXIMUM_ENTRIES)):
        offset = start + _NEW_HEADER.size + index * _NEW_ENTRY.size
        raw = data[offset : offset + _NEW_ENTRY.size]
        if len(raw) < _NEW_ENTRY.size:
            return
        flags, key, value, _, _ = _NEW_ENTRY.unpack(raw)
        yield _Entry(flags, start + key, start + value, raw)


def _new_format_offset(data: bytes) -> int | None:
    """Where a whole header is."""
    start = _new_magic_offset(data)
    return start if start is not None and len(data) >= start + _NEW_HEADER.size else None


def _new_magic_offset(data: bytes) -> int | None:
    if data.startswith(_NEW_MAGIC):
        return 0
    if not data.startswith(_OLD_MAGIC) or len(data) < 16:
        return None
    (count,) = struct.unpack_from("<I", data, 12)
    end = 16 + count * _OLD_ENTRY_BYTES
    aligned = (end + 7) & ~7  # ALIGN_CACHE
    return aligned if data[aligned : aligned + len(_NEW_MAGIC)] == _NEW_MAGIC else None


def _string(data: bytes, offset: int) -> str:
    end = data.find(b"\0", offset, offset + 4096)
    return data[offset:end].decode("utf-8", "replace") if end >= 0 else ""
