"""What one ELF file's code leads to and asks for, in a form that a cache keeps.

Pieces are numbered in address order. Nothing here depends on where the file is or on other files.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from .elf_image import ElfImage
from .layout import Layout
from .numbers import Found, Numbers
from .pieces import NO_PIECES, Pieces, Rare, lists

# More code than this would take minutes.
MAXIMUM_CODE_BYTES = 48 << 20
_HIGHEST_NUMBER = 1023  # there are fewer calls; above are error values that look like numbers
_NAME = re.compile(rb"(?<=\0)[A-Za-z_][A-Za-z0-9_@.$]{1,127}(?=\0)")
# Functions that find others by name, dlsym(3).
LOOK_UPS = frozenset(("dlsym", "dlvsym", "__libc_dlsym", "_dl_sym"))


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """A whole file; pieces are named by their index."""

    pieces: Pieces = NO_PIECES
    names: tuple[tuple[int, str], ...] = ()  # piece, a symbol that begins it
    exports: tuple[tuple[str, int], ...] = ()  # for other files
    pointed_to: tuple[int, ...] = ()  # pieces whose address is in data
    named_pointers: tuple[str, ...] = ()  # symbols whose address is in data
    entry: int | None = None
    strings: tuple[str, ...] = ()  # that could name a function; where it looks functions up
    notes: tuple[str, ...] = ()
    unread: str = ""  # why nothing is known


def read_facts(data: bytes, *, keeps_registers: bool) -> ElfFacts:
    """All about one file. Go's calls keep no register."""
    try:
        image = ElfImage(data)
        if sum(len(segment.data) for segment in image.code) > MAXIMUM_CODE_BYTES:
            return ElfFacts(unread=f"it has more than {MAXIMUM_CODE_BYTES >> 20} MiB of code")
        if not image.code:
            return ElfFacts()
        layout = Layout(image)
        return _facts(image, layout, Numbers(image, layout, keeps_registers=keeps_registers))
    except (ValueError, struct.error, IndexError, OverflowError) as problem:
        return ElfFacts(unread=f"it is damaged, or too large: {problem}")


def _facts(image: ElfImage, layout: Layout, numbers: Numbers) -> ElfFacts:
    symbols = (*image.static_symbols, *image.dynamic_symbols)
    named = {
        layout.piece_at(one.address): one.name
        for one in symbols
        if one.is_defined and one.is_function and image.is_code(one.address)
    }
    exports = {
        one.name: layout.piece_at(one.address)
        for one in image.dynamic_symbols
        if one.is_defined and image.is_code(one.address)
    }
    looks_up = not LOOK_UPS.isdisjoint((*image.slots.values(), *exports))
    return ElfFacts(
        pieces=_pieces(layout, numbers),
        names=tuple(sorted(named.items())),
        exports=tuple(sorted(exports.items())),
        pointed_to=tuple(
            sorted({layout.piece_at(p) for p in image.pointers() if image.is_code(p)})
        ),
        named_pointers=tuple(sorted(image.named_pointers)),
        entry=layout.piece_at(image.entry) if image.is_code(image.entry) else None,
        strings=tuple(sorted(set(_strings(image)))) if looks_up else (),
        notes=tuple(numbers.notes),
    )


def _pieces(layout: Layout, numbers: Numbers) -> Pieces:
    count, piece_at = len(layout.starts), layout.piece_at
    symbols = tuple(sorted({name for _, name in layout.references}))
    by_name = {name: number for number, name in enumerate(symbols)}
    imports = {(piece_at(address), by_name[name]) for address, name in layout.references}
    return Pieces(
        addresses=layout.starts,
        leads_to=lists(_leads(layout), count),
        takes=lists(layout.taken, count),
        imports=lists(sorted(imports), count),
        symbols=symbols,
        rare={piece: _rare(found) for piece, found in sorted(numbers.found.items())},
    )


def _leads(layout: Layout) -> Iterator[tuple[int, int]]:
    """Branches are in the order of their sources, so pieces are too."""
    by_source = ((layout.piece_at(source), target) for source, target in layout.branches)
    for piece, branches in groupby(by_source, key=itemgetter(0)):
        for target in sorted({layout.piece_at(target) for _, target in branches} - {piece}):
            yield piece, target


def _rare(found: Found) -> Rare:
    calls = sorted(found.calls.items())
    return Rare(
        calls=tuple((number, at) for number, at in calls if number <= _HIGHEST_NUMBER),
        unknown=tuple(found.unknown),
        if_entered=tuple(found.if_entered),
        sockets=tuple(sorted(found.sockets)),
        unknown_sockets=tuple(found.unknown_sockets),
        sockets_if_entered=tuple(found.sockets_if_entered),
    )


def _strings(image: ElfImage) -> Iterator[str]:
    """Whole strings in data, other than the names of symbols."""
    begin, size = image.names
    for segment in image.segments:
        if segment.is_code:
            continue
        for found in _NAME.finditer(b"\0" + segment.data):
            address = segment.address + found.start() - 1
            if not begin <= address < begin + size:
                yield found[0].decode()
