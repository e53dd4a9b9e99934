"""One piece of code as basic blocks: stretches that are entered at their beginning only, and left
at their end. Where an indirect jump goes is what the caller says of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .decode import Instruction


@dataclass(frozen=True, slots=True)
class Piece:
    """Code between two places where something may enter; places are addresses."""

    instructions: Sequence[Instruction]
    entered_inside: Collection[int] = ()  # other than the first, what code elsewhere jumps to
    tables: Mapping[int, Collection[int]] = field(default_factory=dict)  # indirect jump -> targets
    keeps_registers: bool = True  # over calls
    spoils: Mapping[int, Collection[str]] = field(default_factory=dict)  # call -> overwritten
    final_calls: Collection[int] = ()  # calls that do not come back
    has_hidden_entries: bool = True  # an unwinder may enter it where nothing in sight leads


class Blocks:
    """Instructions by their index in the piece."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self.index = {one.address: at for at, one in enumerate(piece.instructions)}
        # Where it goes from those behind which not only the next one comes.
        self.exits = {at: targets for at, targets in self._targets() if targets != (at + 1,)}
        self.entered_inside = [
            self.index[address] for address in piece.entered_inside if address in self.index
        ]
        self.leaders = {0, *self.entered_inside}.union(*self.exits.values())

    def _targets(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        count, index = len(self._piece.instructions), self.index
        for at, one in enumerate(self._piece.instructions):
            is_last = one.ends_flow or one.address in self._piece.final_calls
            targets = [at + 1] if not is_last and at + 1 < count else []
            direct = () if one.target is None or one.is_call else (one.target,)
            for target in (*direct, *self._piece.tables.get(one.address, ())):
                if target in index:
                    targets.append(index[target])
            yield at, tuple(targets)
