"""Facts of a file as the cache keeps them: a line of JSON, then the columns as they are in memory.

What the line says of the columns is checked before they are used: a damaged file is a ValueError,
a KeyError or a TypeError, and found anew.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import astuple, fields
from typing import Any

from .facts import ElfFacts
from .pieces import ADDRESS, NUMBER, Lists, Pieces, Rare

VERSION = 4  # of what is kept; another one is not read
_RARE_FIELDS = len(fields(Rare))


def to_bytes(facts: ElfFacts) -> bytes:
    pieces = facts.pieces
    head = {one.name: getattr(facts, one.name) for one in fields(facts) if one.name != "pieces"}
    head |= {
        "version": VERSION,
        "symbols": pieces.symbols,
        "rare": [[piece, *astuple(rare)] for piece, rare in pieces.rare.items()],
        "columns": [len(column) for column in _columns(pieces)],
    }
    line = json.dumps(head, separators=(",", ":")).encode()
    return b"\n".join((line, b"".join(column.tobytes() for column in _columns(pieces))))


def _columns(pieces: Pieces) -> Iterator[array[int]]:
    yield pieces.addresses
    for one in (pieces.leads_to, pieces.takes, pieces.imports):
        yield from (one.ends, one.numbers)


def from_bytes(data: bytes) -> ElfFacts:
    line, _, columns = data.partition(b"\n")
    head = json.loads(line)
    if head["version"] != VERSION:
        raise ValueError(f"version {head['version']}")
    return ElfFacts(
        pieces=_pieces(head, memoryview(columns)),
        names=tuple((piece, name) for piece, name in head["names"]),
        exports=tuple((name, piece) for name, piece in head["exports"]),
        pointed_to=tuple(head["pointed_to"]),
        named_pointers=tuple(head["named_pointers"]),
        entry=head["entry"],
        strings=tuple(head["strings"]),
        notes=tuple(head["notes"]),
        unread=head["unread"],
    )


def _pieces(head: dict[str, Any], data: memoryview) -> Pieces:
    addresses, *rest = _read(head["columns"], data)
    leads_to, takes, imports = (Lists(*rest[at : at + 2]) for at in (0, 2, 4))
    symbols, count = tuple(head["symbols"]), len(addresses)
    for one, limit in ((leads_to, count), (takes, count), (imports, len(symbols))):
        _require_lists(one, count, limit)
    rare = {piece: _rare(values) for piece, *values in head["rare"]}
    return Pieces(addresses, leads_to, takes, imports, symbols, rare)


def _read(lengths: list[int], data: memoryview) -> Iterator[array[int]]:
    at = 0
    for length, kind in zip(lengths, (ADDRESS, *(NUMBER,) * 6), strict=True):
        column = array(kind)
        end = at + length * column.itemsize
        column.frombytes(data[at:end])
        if len(column) != length:
            raise ValueError("a column is cut short")
        yield column
        at = end
    if at != len(data):
        raise ValueError("something follows the columns")


def _require_lists(one: Lists, count: int, limit: int) -> None:
    is_whole = len(one.ends) == count and (not count or one.ends[-1] == len(one.numbers))
    if not is_whole or max(one.numbers, default=-1) >= limit:
        raise ValueError("a column that fits no other")


def _rare(values: list[Any]) -> Rare:
    """Pairs within are tuples again, for they were."""
    if len(values) != _RARE_FIELDS:
        raise ValueError("a piece of another form")
    columns: list[Any] = [
        tuple(tuple(v) if isinstance(v, list) else v for v in one) for one in values
    ]
    return Rare(*columns)
