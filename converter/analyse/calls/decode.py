"""x86-64 instructions, one after the other, as capstone reads them.

Bytes that are no instruction become ".byte" entries and reading goes on behind them: x86 code comes
back into step within a few instructions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

_FALL_OUT = (
    "jmp",
    "ret",
    "retf",
    "ud2",
    "hlt",
    "iretq",
    "notrack jmp",
    "bnd jmp",
    "bnd ret",
    "repz ret",
)
_CALLS = ("call", "bnd call", "notrack call", "lcall")
# What faults in a program's code: in and out need the privilege (SDM, "IN", "OUT", "INS", "OUTS").
_FAULTS = ("in", "out", "insb", "insd", "outsb", "outsd", "cli", "sti", "(bad)")
# Opcodes that are none in 64-bit mode (SDM volume 2, appendix A, superscript i64).
_NO_OPCODES = frozenset(
    b"\x06\x07\x0e\x16\x17\x1e\x1f\x27\x2f\x37\x3f\x60\x61\x82\x9a\xce\xd4\xd5\xd6\xea"
)
_PART_BYTES = 64 << 10
_LONGEST_BYTES = 15  # of an instruction (SDM volume 2, 2.3.11)
_PADDING = ("nop", "int3", "endbr64", "data16 nop", "xchg", ".byte")


class Instruction(NamedTuple):
    """A tuple, for there are hundreds of thousands; `text` is the operands in Intel's order: "rax,
    qword ptr [rsp + 8]"."""

    address: int
    size: int
    mnemonic: str
    text: str

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def target(self) -> int | None:
        """Where a direct jump or call goes."""
        is_branch = self.mnemonic.startswith(("j", "call", "loop", "bnd ", "notrack ", "xbegin"))
        return int(self.text, 16) if is_branch and self.text.startswith("0x") else None

    @property
    def is_call(self) -> bool:
        return self.mnemonic in _CALLS

    @property
    def is_jump(self) -> bool:
        """Unconditional."""
        return self.mnemonic.endswith("jmp")

    @property
    def ends_flow(self) -> bool:
        """Nothing goes on behind it. What is no known instruction may be one that is too new."""
        if self.mnemonic == ".byte":
            return int(self.text.split(",")[0], 16) in _NO_OPCODES
        return self.mnemonic in _FALL_OUT or self.mnemonic in _FAULTS

    @property
    def is_padding(self) -> bool:
        return self.mnemonic in _PADDING


@cache
def _engine() -> Any:
    import capstone  # a tenth of a second, and only where something is not in the cache

    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    engine.skipdata = True
    return engine


def decode(code: bytes, address: int) -> Iterator[Instruction]:
    """All of `code`, which is loaded at `address`, in parts: capstone takes a quarter of a kilobyte
    for each instruction of what it is given at once."""
    start = 0
    while start < len(code):
        end = start + _PART_BYTES
        # An instruction that begins before the end may reach behind it; one behind it is read next.
        for found in _engine().disasm_lite(code[start : end + _LONGEST_BYTES], address + start):
            if found[0] >= address + end:
                break
            yield Instruction._make(found)
            behind = found[0] + found[1] - address
        start = behind


def index_of(address: int, instructions: Sequence[Instruction]) -> int | None:
    """Which of these, which are in order, begins there."""
    at = bisect_left(instructions, address, key=attrgetter("address"))
    return at if at < len(instructions) and instructions[at].address == address else None
