"""Which registers a direct call leaves as they were, beyond what the ABI promises, and whether it
comes back.

Compilers that see the function called make use of it (gcc's -fipa-ra), so numbers stay in registers
over such calls. A function that calls through a pointer, or too deep, spoils all that it may.
"""

from __future__ import annotations

from .decode import Instruction
from .flow import CALL_SPOILS, also_written
from .layout import Layout
from .operands import Register, operands

_MAXIMUM_PIECES = 24  # of one callee and what it calls
_MAXIMUM_DEPTH = 6  # of calls that are looked into
_MAXIMUM_INSTRUCTIONS = 2000
_EVERYTHING = frozenset(CALL_SPOILS)
_WRITES_NOTHING = frozenset(("cmp", "test", "push", "nop", "endbr64", "bt", "ret", "ud2", "hlt"))


class Callees:
    """What callees of one file overwrite, of the registers that a call may overwrite."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: dict[int, frozenset[str]] = {}
        self._returns: dict[int, bool] = {}

    def final_calls(self, instructions: tuple[Instruction, ...]) -> frozenset[int]:
        """Addresses of direct calls that do not come back: abort(3), exit(3)."""
        return frozenset(
            one.address
            for one in instructions
            if one.is_call and one.target is not None and not self.returns(one.target)
        )

    def returns(self, target: int, depth: int = 0) -> bool:
        """False where every way through the function is seen to end otherwise than by returning."""
        if depth > _MAXIMUM_DEPTH or not self._layout.holds(target):
            return True
        if target not in self._returns:
            self._returns[target] = True  # of one that calls itself, until more is known
            self._returns[target] = self._can_return(target, depth)
        return self._returns[target]

    def _can_return(self, target: int, depth: int) -> bool:
        seen: set[int] = set()
        pending = [target]
        while pending:
            address = pending.pop()
            for one in self._layout.from_address(address):
                if one.address in seen:
                    break
                seen.add(one.address)
                if len(seen) > _MAXIMUM_INSTRUCTIONS or "ret" in one.mnemonic:
                    return True
                if one.is_call:
                    if one.target is not None and not self.returns(one.target, depth + 1):
                        break
                elif one.target is not None:
                    pending.append(one.target)
                elif one.is_jump:
                    return True  # through a pointer
                if one.ends_flow:
                    break
            else:
                return True  # into what follows the piece
        return False

    def spoiled(self, instructions: tuple[Instruction, ...]) -> dict[int, frozenset[str]]:
        """Address of a direct call -> what it overwrites."""
        return {
            one.address: self._by_callee(one.target)
            for one in instructions
            if one.is_call and one.target is not None
        }

    def _by_callee(self, target: int) -> frozenset[str]:
        piece = self._layout.piece_at(target)
        if piece not in self._known:
            self._known[piece] = self._found(target)
        return self._known[piece]

    def _found(self, target: int) -> frozenset[str]:
        found: set[str] = set()
        seen: set[int] = set()
        pending = [target]
        while pending:
            address = pending.pop()
            piece = self._layout.piece_at(address)
            if piece in seen:
                continue
            seen.add(piece)
            if len(seen) > _MAXIMUM_PIECES or not self._layout.holds(address):
                return _EVERYTHING
            last: Instruction | None = None
            for one in self._layout.instructions(piece):
                if (one.is_call or one.is_jump) and one.target is None:
                    return _EVERYTHING  # through a pointer
                if one.target is not None:
                    pending.append(one.target)
                found.update(_written(one))
                last = one if not one.is_padding else last
            if last is not None and not last.ends_flow:
                pending.append(self._layout.bounds(piece)[1])
        return frozenset(found) & _EVERYTHING


def _written(one: Instruction) -> set[str]:
    if one.mnemonic == "syscall":
        return {"rax", "rcx", "r11"}
    if one.mnemonic in _WRITES_NOTHING:
        return set()
    given = operands(one.text)
    first = {given[0].name} if given and isinstance(given[0], Register) else set()
    return first | set(also_written(one.mnemonic, given))
