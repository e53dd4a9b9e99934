"""The system calls that kept ELF files can make, from their code.

Sound before small: what the code leads to is taken to be more than it is, never less, and where a
number cannot be bounded the result says so, with the file and the place. What was found in a file
is kept by the file's digest. Code that is made at run time is not seen; compilers that make it (V8,
HotSpot) call their own functions for what they need of the system.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ... import cache
from ...model import ReachableCalls
from ..elf_file import ReadElf
from .facts import ElfFacts, read_facts
from .kept import from_bytes, to_bytes
from .reach import File, reach

__all__ = ["find_calls"]

_KIND = "calls"


def find_calls(elves: Mapping[str, ReadElf]) -> ReachableCalls:
    """Of all these files, which run together."""
    linked = {name.rpartition("/")[2] for elf in elves.values() for name in elf.file.needed}
    linked |= {
        elf.file.interpreter.rpartition("/")[2] for elf in elves.values() if elf.file.interpreter
    }
    with _uncollected():
        return reach({path: _file(path, elf, linked) for path, elf in elves.items()})


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is made here has no cycles: the collector would look at millions of values for nothing,
    a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _file(path: str, elf: ReadElf, linked: set[str]) -> File:
    names = {path.rpartition("/")[2], elf.file.soname}
    # The C library can be run too, so it has an interpreter, but programs have no soname.
    is_pie = elf.file.interpreter is not None and elf.file.soname is None
    is_program = is_pie or elf.file.type == "ET_EXEC"
    return File(
        facts=_facts(elf, keeps_registers=not elf.is_go),
        is_linked=is_program or not linked.isdisjoint(names),
        is_go=elf.is_go,
    )


def _facts(elf: ReadElf, *, keeps_registers: bool) -> ElfFacts:
    """From the cache, or found and put there; a cache that cannot be used is none."""
    place = cache.path(_KIND, f"sha256:{elf.digest}")
    try:
        return from_bytes(place.read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        pass
    facts = read_facts(elf.data, keeps_registers=keeps_registers)
    try:
        with cache.writing(place) as file:
            file.write(to_bytes(facts))
    except OSError:
        pass  # read-only home: the next run finds it again
    return facts
