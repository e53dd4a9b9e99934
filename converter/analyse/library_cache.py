"""Read /etc/ld.so.cache as the dynamic linker does (glibc sysdeps/generic/dl-cache.h).

Only the new format (also where it follows the old one in the same file) and only entries for
64-bit x86. A damaged cache gives no entries: ld.so ignores it too, and searches its directories.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_OLD_MAGIC = b"ld.so-1.7.0\0"
_NEW_MAGIC = b"glibc-ld.so.cache1.1"
_OLD_ENTRY_BYTES = 12
_NEW_HEADER = struct.Struct("<20sII20x")  # magic and version, nlibs, len_strings, flags, …
_NEW_ENTRY = struct.Struct("<iIIIQ")  # flags, key, value, osversion, hwcap
_FLAGS_LIBC6_X86_64 = 0x0303  # FLAG_ELF_LIBC6 | FLAG_X8664_LIB64
_MAXIMUM_ENTRIES = 1 << 16


def read_library_cache(data: bytes) -> Mapping[str, tuple[str, ...]]:
    """Library name -> the paths the cache gives for it, in its order."""
    start = _new_format_offset(data)
    if start is None or len(data) < start + _NEW_HEADER.size:
        return {}
    _, count, _ = _NEW_HEADER.unpack_from(data, start)
    found: dict[str, tuple[str, ...]] = {}
    for index in range(min(count, _MAXIMUM_ENTRIES)):
        offset = start + _NEW_HEADER.size + index * _NEW_ENTRY.size
        if len(data) < offset + _NEW_ENTRY.size:
            break
        flags, key, value, _, _ = _NEW_ENTRY.unpack_from(data, offset)
        name, path = _string(data, start + key), _string(data, start + value)
        if flags == _FLAGS_LIBC6_X86_64 and name and path.startswith("/"):
            found[name] = (*found.get(name, ()), path)
    return found


def _new_format_offset(data: bytes) -> int | None:
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
