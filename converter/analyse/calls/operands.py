"""Operands as text ("dword ptr [rsp + 0x10]") made into values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_WIDE = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp")
_HIGH = ("ah", "bh", "ch", "dh")
_MEMORY = re.compile(r"\[(.+)\]")
_SIZES = {"byte": 1, "word": 2, "dword": 4, "qword": 8}


def _registers() -> dict[str, tuple[str, int]]:
    found = {name: (name, 8) for name in _WIDE}
    for name in _WIDE:
        letters = name[1:]
        found[f"e{letters}"] = (name, 4)
        found[letters] = (name, 2)
        found[letters + "l" if letters[1] != "x" else letters[0] + "l"] = (name, 1)
        if letters[1] == "x":
            found[letters[0] + "h"] = (name, 1)
    for number in range(8, 16):
        name = f"r{number}"
        found |= {
            name: (name, 8),
            name + "d": (name, 4),
            name + "w": (name, 2),
            name + "b": (name, 1),
        }
    return found


REGISTERS = _registers()
ALL_REGISTERS = (*_WIDE, *(f"r{number}" for number in range(8, 16)))


@dataclass(frozen=True, slots=True)
class Register:
    name: str  # of all 64 bits
    size: int
    is_high: bool = False  # the second byte: ah, bh, ch, dh


@dataclass(frozen=True, slots=True)
class Memory:
    """[base + displacement]; `is_plain` is false where an index is added."""

    base: str
    displacement: int
    size: int
    is_plain: bool


Operand = Register | Memory | int | None


@lru_cache(maxsize=1 << 16)
def operands(text: str) -> tuple[Operand, ...]:
    return tuple(_operand(part.strip()) for part in text.split(",")) if text else ()


def _operand(text: str) -> Operand:
    if text in REGISTERS:
        return Register(*REGISTERS[text], is_high=text in _HIGH)
    memory = _MEMORY.search(text)
    if memory is not None:
        return _memory(memory[1], _SIZES.get(text.split(" ", 1)[0], 0), "s:" in text.split("[")[0])
    try:
        return int(text, 0)
    except ValueError:
        return None  # xmm0, cr0, …


def _memory(inside: str, size: int, is_segmented: bool) -> Memory:  # %fs: is not the stack
    base, displacement, is_plain = "", 0, not is_segmented
    for sign, term in re.findall(r"([+-]?)\s*([^\s+-]+)", inside):
        if term in REGISTERS and not base:
            base = term
        elif term[0].isdigit():
            displacement += int(term, 0) * (-1 if sign == "-" else 1)
        else:
            is_plain = False
    return Memory(base, displacement, size, is_plain)
