"""What one ELF file's code leads to and asks for, in a form that a cache keeps.

Pieces are numbered in address order. Nothing here depends on where the file is or on other files.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from .elf_image import ElfImage
from .layout import Layout
from .numbers import Found, Numbers

VERSION = 3  # of what is kept; another one is not read
# More code than this would take minutes.
MAXIMUM_CODE_BYTES = 48 << 20
_HIGHEST_NUMBER = 1023  # there are fewer calls; above are error values that look like numbers
_NAME = re.compile(rb"(?<=\0)[A-Za-z_][A-Za-z0-9_@.$]{1,127}(?=\0)")
_NOTHING = Found()
# Functions that find others by name, dlsym(3).
LOOK_UPS = frozenset(("dlsym", "dlvsym", "__libc_dlsym", "_dl_sym"))


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """One piece of code: a function, or a part of one."""

    address: int
    leads_to: tuple[int, ...] = ()  # pieces that it calls or goes on to
    takes: tuple[int, ...] = ()  # pieces whose address it takes: somebody may call them
    imports: tuple[str, ...] = ()  # symbols that it calls or takes the address of
    calls: tuple[tuple[int, int], ...] = ()  # number of a system call, where it is settled
    unknown: tuple[str, ...] = ()  # why not all its numbers are known
    if_entered: tuple[str, ...] = ()  # the same, where something else than `leads_to` leads to it
    sockets: tuple[tuple[str, int], ...] = ()  # "family" or "type", and what socket(2) is given
    unknown_sockets: tuple[str, ...] = ()
    sockets_if_entered: tuple[str, ...] = ()


_PIECE_FIELDS = tuple(one.name for one in fields(PieceFacts))


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """A whole file; pieces are named by their index."""

    pieces: tuple[PieceFacts, ...] = ()
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
    except (ValueError, struct.error, IndexError) as problem:
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
        pieces=tuple(_pieces(layout, numbers)),
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


def _pieces(layout: Layout, numbers: Numbers) -> Iterator[PieceFacts]:
    leads: dict[int, set[int]] = defaultdict(set)
    takes: dict[int, set[int]] = defaultdict(set)
    imports: dict[int, set[str]] = defaultdict(set)
    for branch in layout.branches:
        leads[layout.piece_at(branch.source)].add(layout.piece_at(branch.target))
    for source, target in layout.taken:
        takes[source].add(target)
    for address, name in layout.references:
        imports[layout.piece_at(address)].add(name)
    for piece, address in enumerate(layout.starts):
        found = numbers.found.get(piece, _NOTHING)
        calls = sorted(found.calls.items())
        yield PieceFacts(
            address=address,
            leads_to=tuple(sorted(leads[piece] - {piece})),
            takes=tuple(sorted(takes[piece])),
            imports=tuple(sorted(imports[piece])),
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


def to_document(facts: ElfFacts) -> dict[str, Any]:
    """For JSON; pieces as lists, for there are many."""
    document = {one.name: getattr(facts, one.name) for one in fields(facts)}
    document["pieces"] = [
        [getattr(piece, name) for name in _PIECE_FIELDS] for piece in facts.pieces
    ]
    return {"version": VERSION, **document}


def from_document(document: dict[str, Any]) -> ElfFacts:
    """ValueError, KeyError or TypeError when it is not one of ours."""
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}")
    return ElfFacts(
        pieces=tuple(_piece(*one) for one in document["pieces"]),
        names=tuple((piece, name) for piece, name in document["names"]),
        exports=tuple((name, piece) for name, piece in document["exports"]),
        pointed_to=tuple(document["pointed_to"]),
        named_pointers=tuple(document["named_pointers"]),
        entry=document["entry"],
        strings=tuple(document["strings"]),
        notes=tuple(document["notes"]),
        unread=document["unread"],
    )


def _piece(address: int, *rest: list[Any]) -> PieceFacts:
    """Pairs within are tuples again, for they were."""
    values: list[Any] = [
        tuple(tuple(v) if isinstance(v, list) else v for v in value) for value in rest
    ]
    if len(values) != len(_PIECE_FIELDS) - 1:
        raise ValueError("a piece of another form")
    return PieceFacts(address, *values)
