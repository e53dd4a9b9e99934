"""The system calls that kept ELF files can make, from their code.

Sound before small: what the code leads to is taken to be more than it is, never less, and where a
number cannot be bounded the result says so, with the file and the place. What was found in a file
is kept by the file's digest. Code that is made at run time is not seen; compilers that make it (V8,
HotSpot) call their own functions for what they need of the system.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model import ReachableCalls
from ..elf_file import ReadElf
from .known import facts_of, uncollected
from .reach import File, reach

__all__ = ["find_calls"]


def find_calls(elves: Mapping[str, ReadElf]) -> ReachableCalls:
    """Of all these files, which run together."""
    linked = {name.rpartition("/")[2] for elf in elves.values() for name in elf.file.needed}
    linked |= {
        elf.file.interpreter.rpartition("/")[2] for elf in elves.values() if elf.file.interpreter
    }
    with uncollected():
        facts = facts_of(elves.values())
        files = {
            path: File(facts[elf.digest], _is_linked(path, elf, linked), elf.is_go)
            for path, elf in elves.items()
        }
        return reach(files)


def _is_linked(path: str, elf: ReadElf, linked: set[str]) -> bool:
    """Whether it is there from the start, not loaded later."""
    names = {path.rpartition("/")[2], elf.file.soname}
    # The C library can be run too, so it has an interpreter, but programs have no soname.
    is_pie = elf.file.interpreter is not None and elf.file.soname is None
    is_program = is_pie or elf.file.type == "ET_EXEC"
    return is_program or not linked.isdisjoint(names)
