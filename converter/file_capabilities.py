"""The capabilities that a file gives who executes it, as getcap(8) shows them.

They are the value of the extended attribute `security.capability`: `struct vfs_cap_data` or
`vfs_ns_cap_data` of linux/capability.h, in three revisions. What is none of these is an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from . import capabilities
from .errors import Dock2ukError

ATTRIBUTE = "security.capability"
_REVISION, _EFFECTIVE = 0xFF00_0000, 0x0000_0001  # bits of the first word
# Revision -> how often the two words, permitted and inheritable, follow; and the root user.
_LAYOUTS = {
    0x0100_0000: "<" + 2 * "I",
    0x0200_0000: "<" + 4 * "I",
    0x0300_0000: "<" + 5 * "I",
}
_WORD_BITS = 32
_EFFECTIVE_FLAG, _INHERITABLE_FLAG, _PERMITTED_FLAG = 1, 2, 4


@dataclass(frozen=True, slots=True)
class FileCapabilities:
    """Masks; and whether they are in effect at once, without the program's asking for them."""

    permitted: int
    inheritable: int
    is_effective: bool
    root_user: int = 0  # of the user namespace in which they count


def read(value: bytes) -> FileCapabilities:
    """Dock2ukError for what the kernel would not take either (capabilities(7))."""
    (first,) = struct.unpack_from("<I", value) if len(value) >= 4 else (0,)
    layout = _LAYOUTS.get(first & _REVISION)
    if layout is None or len(value) != 4 + struct.calcsize(layout):
        raise Dock2ukError(f"{ATTRIBUTE} of {len(value)} bytes is of no known revision")
    words = struct.unpack_from(layout, value, 4)
    pairs = len(words) // 2
    return FileCapabilities(
        permitted=_mask(words[0 : 2 * pairs : 2]),
        inheritable=_mask(words[1 : 2 * pairs : 2]),
        is_effective=bool(first & _EFFECTIVE),
        root_user=words[-1] if len(words) % 2 else 0,
    )


def _mask(words: tuple[int, ...]) -> int:
    return sum(word << _WORD_BITS * index for index, word in enumerate(words))


def text(found: FileCapabilities) -> str:
    """cap_to_text(3): what most capabilities have first, then those that differ from it."""
    flags = list(_flags(found))
    base = max(range(8), key=lambda one: (flags.count(one), -one))
    clauses = [f"={_letters(base)}"] if base else []
    for one in sorted(set(flags) - {base}, reverse=True):
        names = ",".join(_name(number) for number, has in enumerate(flags) if has == one)
        clauses.append(names + _change(base, one, "+" if clauses else "="))
    root = f" [rootid={found.root_user}]" if found.root_user else ""
    return f"{' '.join(clauses) or '='}{root}"


def _flags(found: FileCapabilities) -> Iterator[int]:
    """One number a capability."""
    either = found.permitted | found.inheritable
    for number in range(max(len(capabilities.NAMES), either.bit_length())):
        permitted, inheritable = (
            mask >> number & 1 for mask in (found.permitted, found.inheritable)
        )
        effective = found.is_effective and bool(either >> number & 1)
        yield (
            permitted * _PERMITTED_FLAG
            | inheritable * _INHERITABLE_FLAG
            | effective * _EFFECTIVE_FLAG
        )


def _change(base: int, flags: int, sign: str) -> str:
    """What is added and taken away. The first clause sets: before it there is nothing."""
    added, removed = flags & ~base, base & ~flags
    less = f"-{_letters(removed)}" if removed else ""
    return (f"{sign}{_letters(added)}" if added else "") + less


def _letters(flags: int) -> str:
    letters = zip("eip", (_EFFECTIVE_FLAG, _INHERITABLE_FLAG, _PERMITTED_FLAG), strict=True)
    return "".join(letter for letter, flag in letters if flags & flag)


def _name(number: int) -> str:
    """libcap gives what it has no name for its number."""
    known = number < len(capabilities.NAMES)
    return capabilities.NAMES[number].lower() if known else str(number)
