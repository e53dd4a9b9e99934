"""Direct branches of one file's code, eight bytes each: there may be a million."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HALF = 32  # bits
_LOW = (1 << _HALF) - 1


@dataclass(frozen=True, slots=True)
class Span:
    """Where the code is: two addresses of it fit into one number."""

    lowest: int
    highest: int

    def __post_init__(self) -> None:
        if self.highest - self.lowest > _LOW:
            raise ValueError("its code is spread over more than 4 GiB")

    def packed(self, first: int, second: int) -> int:
        return first - self.lowest << _HALF | second - self.lowest

    def unpacked(self, pair: int) -> tuple[int, int]:
        return (pair >> _HALF) + self.lowest, (pair & _LOW) + self.lowest


class Branches:
    """From the address of an instruction to where it leads, in order and each once."""

    def __init__(self, span: Span, packed: Iterable[int]) -> None:
        self._span = span
        self._pairs = array("Q")
        last = -1
        for one in sorted(packed):
            if one != last:
                self._pairs.append(one)
            last = one
        swapped = (span.packed(*reversed(span.unpacked(one))) for one in self._pairs)
        self._by_target = array("Q", sorted(swapped))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return map(self._span.unpacked, self._pairs)

    def into(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Those that lead to an address from `begin` to before `end`, in order of their sources."""
        lowest = self._span.lowest
        first, last = (
            bisect_left(self._by_target, max(at - lowest, 0) << _HALF) for at in (begin, end)
        )
        found = (self._span.unpacked(one) for one in self._by_target[first:last])
        return sorted((source, target) for target, source in found)
