"""Facts of a file as the cache keeps them: a line of JSON, then the columns as they are in memory.

What the line says of the columns is checked before they are used: a damaged file is a ValueError,
a KeyError or a TypeError, and found anew.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from typing import Any

from .facts import ElfFacts
from .pieces import ADDRESS, NUMBER, Lists, Pieces, Rare

VERSION = 5  # of what is kept; another one is not read
_RARE_FIELDS = len(fields(Rare))
_AS_IT_IS = ("pointed_to", "entry", "notes", "unread")
_NAMES_FROM, _NUMBER_COLUMNS = 7, 13  # of the columns: addresses, three lists, then names


def to_bytes(facts: ElfFacts) -> bytes:
    pieces = facts.pieces
    words = sorted({*_words(facts)})
    index = {word: number for number, word in enumerate(words)}
    columns = [*_columns(pieces), *_names(facts, index)]
    head = {one: getattr(facts, one) for one in _AS_IT_IS}
    head |= {
        "version": VERSION,
        "words": words,
        "rare": [[piece, *astuple(rare)] for piece, rare in pieces.rare.items()],
        "columns": [len(column) for column in columns],
    }
    line = json.dumps(head, separators=(",", ":")).encode()
    return b"\n".join((line, b"".join(column.tobytes() for column in columns)))


def _words(facts: ElfFacts) -> Iterator[str]:
    """All names, most of which are there in several ways."""
    yield from (name for _, name in facts.names)
    yield from (name for name, _ in facts.exports)
    yield from (*facts.named_pointers, *facts.strings, *facts.pieces.symbols)


def _columns(pieces: Pieces) -> Iterator[array[int]]:
    yield pieces.addresses
    for one in (pieces.leads_to, pieces.takes, pieces.imports):
        yield from (one.ends, one.numbers)


def _names(facts: ElfFacts, index: Mapping[str, int]) -> Iterator[array[int]]:
    """The names by their index, and beside each the piece that has it."""
    yield array(NUMBER, (piece for piece, _ in facts.names))
    yield array(NUMBER, (index[name] for _, name in facts.names))
    yield array(NUMBER, (index[name] for name, _ in facts.exports))
    yield array(NUMBER, (piece for _, piece in facts.exports))
    for names in (facts.named_pointers, facts.strings, facts.pieces.symbols):
        yield array(NUMBER, (index[name] for name in names))


def from_bytes(data: bytes) -> ElfFacts:
    line_bytes = data.index(b"\n")
    head = json.loads(data[:line_bytes])
    if head["version"] != VERSION:
        raise ValueError(f"version {head['version']}")
    columns = _read(head["columns"], memoryview(data)[line_bytes + 1 :])
    of_pieces, words = columns[:_NAMES_FROM], head["words"]
    named, names, exports, exported, *rest = columns[_NAMES_FROM:]
    pointers, strings, symbols = (_named(words, one) for one in rest)
    return ElfFacts(
        pieces=_pieces(of_pieces, symbols, head["rare"]),
        names=tuple(zip(named, _named(words, names), strict=True)),
        exports=tuple(zip(_named(words, exports), exported, strict=True)),
        pointed_to=tuple(head["pointed_to"]),
        named_pointers=pointers,
        entry=head["entry"],
        strings=strings,
        notes=tuple(head["notes"]),
        unread=head["unread"],
    )


def _read(lengths: list[int], data: memoryview) -> list[array[int]]:
    columns, at = [], 0
    for length, kind in zip(lengths, (ADDRESS, *(NUMBER,) * _NUMBER_COLUMNS), strict=True):
        column = array(kind)
        end = at + length * column.itemsize
        column.frombytes(data[at:end])
        if len(column) != length:
            raise ValueError("a column is cut short")
        columns.append(column)
        at = end
    if at != len(data):
        raise ValueError("something follows the columns")
    return columns


def _named(words: list[str], column: array[int]) -> tuple[str, ...]:
    if max(column, default=-1) >= len(words):
        raise ValueError("a name that is not there")
    return tuple(words[number] for number in column)


def _pieces(columns: list[array[int]], symbols: tuple[str, ...], rare: list[Any]) -> Pieces:
    addresses, *rest = columns
    leads_to, takes, imports = (Lists(*rest[at : at + 2]) for at in (0, 2, 4))
    count = len(addresses)
    for one, limit in ((leads_to, count), (takes, count), (imports, len(symbols))):
        _require_lists(one, count, limit)
    by_piece = {piece: _rare(values) for piece, *values in rare}
    return Pieces(addresses, leads_to, takes, imports, symbols, by_piece)


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
