"""The pieces of one file's code with what each leads to, as columns: there are a hundred thousand,
and an object for each, with tuples of its own, would take thirty times the memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

NUMBER = "I"  # of a piece, or of a name
ADDRESS = "Q"


@dataclass(frozen=True, slots=True)
class Rare:
    """What few pieces have."""

    calls: tuple[tuple[int, int], ...] = ()  # number of a system call, where it is settled
    unknown: tuple[str, ...] = ()  # why not all its numbers are known
    if_entered: tuple[str, ...] = ()  # the same, where something else than `leads_to` leads to it
    sockets: tuple[tuple[str, int], ...] = ()  # "family" or "type", and what socket(2) is given
    unknown_sockets: tuple[str, ...] = ()
    sockets_if_entered: tuple[str, ...] = ()


NOTHING = Rare()


@dataclass(frozen=True, slots=True)
class Lists:
    """A list of numbers for each piece: where it ends among the numbers of all."""

    ends: array[int] = field(default_factory=lambda: array(NUMBER))
    numbers: array[int] = field(default_factory=lambda: array(NUMBER))

    def of(self, piece: int) -> Sequence[int]:
        return self.numbers[self.ends[piece - 1] if piece else 0 : self.ends[piece]]


def lists(pairs: Iterable[tuple[int, int]], count: int) -> Lists:
    """Of pairs of a piece and a number that are in order; what comes twice is there once."""
    ends, numbers = array(NUMBER), array(NUMBER)
    last: tuple[int, int] | None = None
    for pair in pairs:
        if pair == last:
            continue
        last = pair
        while len(ends) < pair[0]:
            ends.append(len(numbers))
        numbers.append(pair[1])
    ends.extend([len(numbers)] * (count - len(ends)))
    return Lists(ends, numbers)


@dataclass(frozen=True, slots=True)
class Pieces:
    """One piece of code is a function, or a part of one; in address order."""

    addresses: array[int] = field(default_factory=lambda: array(ADDRESS))
    leads_to: Lists = field(default_factory=Lists)  # pieces that it calls or goes on to
    takes: Lists = field(default_factory=Lists)  # whose address it takes: somebody may call them
    imports: Lists = field(default_factory=Lists)  # of `symbols`: it calls or takes the address of
    symbols: tuple[str, ...] = ()
    rare: dict[int, Rare] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.addresses)

    def rest(self, piece: int) -> Rare:
        return self.rare.get(piece, NOTHING)


NO_PIECES = Pieces()
