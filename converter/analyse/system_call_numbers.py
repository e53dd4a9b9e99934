"""Which system call numbers x86-64 code gives syscall(2).

The function's own address is in a slot of the global offset table; calls go there directly or
through a stub of the PLT (System V ABI AMD64 § 5.2). The number is looked for in the instructions
shortly before each call. Where none is found, or the slot is read in another way, any is possible.
Code is not disassembled: bytes that look alike add calls and take none away.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

ANY_NUMBER = frozenset(range(1024))

_JUMP_TO_SLOT = re.compile(rb"\xff\x25", re.DOTALL)  # jmp *disp32(%rip)
_CALL_TO_SLOT = re.compile(rb"\xff\x15", re.DOTALL)  # call *disp32(%rip)
_CALL = re.compile(rb"[\xe8\xe9]", re.DOTALL)  # call rel32, and jmp rel32 at a function's end
_MOV_EDI = re.compile(rb"\xbf(.{2}\0\0)", re.DOTALL)  # mov $imm32, %edi
_DISPLACEMENT = struct.Struct("<i")
# A stub may begin with endbr64 and a bnd prefix before the jump.
_STUB_PREFIX_BYTES = 5
# How far before a call its first argument is looked for: six arguments and some between.
_LOOK_BACK_BYTES = 96


@dataclass(frozen=True, slots=True)
class Code:
    """An executable segment."""

    address: int
    data: bytes

    def targets(self, opcode: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
        """Where the opcode is, and what the displacement after it leads to, as addresses."""
        for found in opcode.finditer(self.data):
            after = found.end() + _DISPLACEMENT.size
            if after > len(self.data):
                return
            (displacement,) = _DISPLACEMENT.unpack_from(self.data, found.end())
            yield self.address + found.start(), self.address + after + displacement


def numbers_given(code: Collection[Code], slots: Collection[int]) -> frozenset[int]:
    """Numbers that may be given to the function whose address is in `slots`."""
    stubs = {
        start for one in code for start, target in one.targets(_JUMP_TO_SLOT) if target in slots
    }
    entries = {stub - back for stub in stubs for back in range(_STUB_PREFIX_BYTES + 1)}
    numbers: set[int] = set()
    for one in code:
        calls = [at for at, target in one.targets(_CALL) if target in entries]
        calls += [at for at, target in one.targets(_CALL_TO_SLOT) if target in slots]
        for call in calls:
            end = call - one.address
            before = one.data[max(end - _LOOK_BACK_BYTES, 0) : end]
            given = [int.from_bytes(found, "little") for found in _MOV_EDI.findall(before)]
            if not given:
                return ANY_NUMBER
            numbers.update(given)
    return frozenset(numbers) & ANY_NUMBER if numbers else ANY_NUMBER
